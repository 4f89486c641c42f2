//! Free text that users write: bounded, without control and bidirectional-override characters.

use serde::{Deserialize, Serialize};

use crate::error::Violation;

/// Whether a character must not be stored or shown: controls, and the bidirectional and invisible
/// format characters with which text can be made to look like other text (Unicode TR 36).
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Removes what must not be stored, keeping line breaks and tabs as spaces.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !is_unprintable(*c))
        .collect()
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $limit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The only constructor: refuses text that is too long, removes control and bidi characters.
            pub fn parse(text: &str) -> Result<Self, Violation> {
                if text.chars().count() > $limit {
                    return Err(Violation::new(
                        concat!("must be at most ", $limit, " characters"), text));
                }
                Ok(Self(clean(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Violation;
            fn try_from(text: String) -> Result<Self, Violation> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

text_type!(
    /// `metadata.description`, at most 1024 characters.
    Description, 1024
);
text_type!(
    /// `metadata.userData1` and `userData2`, at most 512 characters.
    UserData, 512
);
text_type!(
    /// Host of a controller, at most 128 characters; stored for clients and never used.
    ControllerHost, 128
);
text_type!(
    /// Type of a controller, at most 48 characters.
    ControllerType, 48
);
text_type!(
    /// A member of the description of a `GitOps` cluster, at most 128 characters.
    GitOpsText, 128
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_removed() {
        let text = Description::parse("a\u{0}b\u{202e}c\nd").unwrap();
        assert_eq!(text.as_str(), "abc d");
    }

    #[test]
    fn text_over_the_limit_is_refused() {
        assert!(UserData::parse(&"x".repeat(512)).is_ok());
        assert!(UserData::parse(&"x".repeat(513)).is_err());
    }
}
