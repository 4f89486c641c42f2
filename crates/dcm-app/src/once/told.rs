//! Versions in the text of an answer that are known with its commit only: cut out, and filled in again.
//!
//! The text is searched for numbers that the stage gave out. They were drawn at random for this attempt, so
//! nothing that a caller wrote can be taken for one, and no handler has to say where its answer tells them.

use std::collections::HashMap;

use dcm_types::documents::ToldVersion;

/// A text without the versions that are not known yet, and where they belong.
pub(super) struct Cut {
    pub(super) text: String,
    pub(super) told: Vec<ToldVersion>,
}

/// Cuts out the numbers that have a place in the batch, into which `puts` documents are put before the answer.
pub(super) fn cut(body: &str, places: &HashMap<u64, usize>, puts: usize) -> Cut {
    let mut text = String::with_capacity(body.len());
    let mut told = Vec::new();
    let mut rest = body;
    while let Some(begin) = rest.find(|character: char| character.is_ascii_digit()) {
        let (before, from) = rest.split_at(begin);
        text.push_str(before);
        let end = from.find(|character: char| !character.is_ascii_digit());
        let (digits, after) = from.split_at(end.unwrap_or(from.len()));
        match digits.parse().ok().and_then(|number| places.get(&number)) {
            Some(place) => told.push(ToldVersion {
                at: text.len(),
                before: puts.saturating_sub(*place) as u64,
            }),
            None => text.push_str(digits),
        }
        rest = after;
    }
    text.push_str(rest);
    Cut { text, told }
}

/// The whole text, when the number of the kept answer is known.
pub(super) fn filled(text: &str, told: &[ToldVersion], number: u64) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut from = 0;
    for version in told {
        // Where they belong comes from the store, so it is not relied on.
        whole.push_str(text.get(from..version.at).unwrap_or_default());
        whole.push_str(&number.saturating_sub(version.before).to_string());
        from = version.at;
    }
    whole.push_str(text.get(from..).unwrap_or_default());
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> HashMap<u64, usize> {
        HashMap::from([(700, 0), (701, 2)])
    }

    #[test]
    fn numbers_that_were_given_out_become_real_ones() {
        for (body, whole) in [
            ("", ""),
            ("no digits, ä", "no digits, ä"),
            ("700", "41"),
            ("\"700\" ä 701", "\"41\" ä 43"),
            ("701,700,701", "43,41,43"),
            ("7001 70 1700 0x700g", "7001 70 1700 0x41g"),
            ("99999999999999999999999700", "99999999999999999999999700"),
        ] {
            let Cut { text, told } = cut(body, &places(), 3);
            assert_eq!(filled(&text, &told, 44), whole, "{body}");
        }
    }

    #[test]
    fn places_that_make_no_sense_do_no_harm() {
        let odd = |at| ToldVersion { at, before: 9 };
        for told in [vec![odd(99)], vec![odd(1), odd(0)], vec![odd(2)]] {
            let whole = filled("aä", &told, 3);
            assert!(whole.contains('0'), "{whole}");
        }
    }
}
