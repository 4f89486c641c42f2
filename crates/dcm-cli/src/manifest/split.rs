//! A text into its documents. YAML ends a document at a line that begins with `---` or `...`, whatever
//! it stands in, so documents can be told apart before they are read; and JSON is YAML.

use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

/// Deepest nesting that is read; the server has a limit of its own.
const DEPTH: usize = 64;

/// A document of a text.
pub(super) struct Part {
    /// From 1 on.
    pub(super) number: usize,
    /// The first line of it that says something.
    pub(super) line: usize,
    pub(super) value: Result<Value, String>,
}

/// All documents that are not empty.
pub(super) fn split(text: &str) -> Vec<Part> {
    let mut chunks: Vec<(usize, String)> = vec![(1, String::new())];
    for (index, line) in text.lines().enumerate() {
        if let Some(rest) = marker(line) {
            // What stands behind the marker belongs to the document that it opens.
            chunks.push((index + 1, format!("{rest}\n")));
        } else if let Some((_, chunk)) = chunks.last_mut() {
            chunk.push_str(line);
            chunk.push('\n');
        }
    }
    let mut number = 0;
    let mut parts = Vec::new();
    for (first, chunk) in chunks {
        let Some(skipped) = chunk.lines().position(says_something) else {
            continue;
        };
        number += 1;
        parts.push(Part {
            number,
            line: first + skipped,
            value: parse(&chunk, first),
        });
    }
    parts
}

fn marker(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("---")
        .or_else(|| line.strip_prefix("..."))?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn parse(chunk: &str, first: usize) -> Result<Value, String> {
    let templated = chunk.lines().position(|line| line.contains("{{"));
    if let Some(offset) = templated {
        return Err(format!(
            "line {} holds a template ('{{{{'): render it first, for example with the tool that \
             it is written for",
            first + offset
        ));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            max_inclusion_depth: 0,
            max_documents: 1,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(chunk, options).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map_or_else(String::new, |location| {
            let line = usize::try_from(location.line()).unwrap_or_default();
            format!(" at line {}", first + line.saturating_sub(1))
        });
        // What the library says may quote the text, and the text may hold a token.
        format!("cannot be read as YAML{place}")
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    fn told(text: &str) -> Vec<(usize, usize, bool)> {
        let parts = split(text).into_iter();
        parts
            .map(|part| (part.number, part.line, part.value.is_ok()))
            .collect()
    }

    #[test]
    fn documents_have_numbers_and_lines_and_empty_ones_none() {
        let text = "# top\n---\na: 1\n---\n# nothing\n---\n\n# c\nb: 2\n...\n--- {c: 3}\n";
        let expected = [(1, 3, true), (2, 9, true), (3, 11, true)];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn errors_name_the_line_in_the_file() {
        let parts = split("a: 1\n---\nb: 2\nb: 3\n---\nc: {{ .X }}\n---\nd: [\n");
        let texts: Vec<String> = parts.into_iter().filter_map(|p| p.value.err()).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts[0].contains("at line 4"), "{}", texts[0]);
        assert!(texts[1].contains("line 6 holds a template"), "{}", texts[1]);
    }

    #[test]
    fn json_is_read_too() {
        let part = split(r#"{"kind": "Project", "metadata": {"name": "p"}}"#);
        assert_eq!(part[0].value.as_ref().unwrap()["metadata"]["name"], "p");
    }
}
