//! `cargo xtask audit`: known vulnerabilities of what we depend on.
//!
//! Apart from `check`, because the advisory database comes from the network and changes by itself:
//! yesterday's commit must not fail today. Where the database cannot be had, nothing is known,
//! and that is said, not passed off as a good result.

use anyhow::{Result, bail};

use crate::{output, tools};

pub(crate) fn run() -> Result<()> {
    let result = tools::cargo_deny()?
        .args(["check", "advisories"])
        .output()?;
    let text = String::from_utf8_lossy(&result.stderr);
    output::warn(text.trim_end());
    match judge(result.status.success(), &text) {
        Verdict::Clean => output::say("advisories: checked, nothing found"),
        Verdict::NotChecked => {
            output::say("");
            output::say("************************************************************");
            output::say("advisories: NOT CHECKED, the database cannot be reached");
            output::say("************************************************************");
        }
        Verdict::Found => bail!("advisories were found"),
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Clean,
    Found,
    NotChecked,
}

fn judge(succeeded: bool, text: &str) -> Verdict {
    match succeeded {
        true => Verdict::Clean,
        false if text.contains("failed to fetch advisory database") => Verdict::NotChecked,
        // Also for failures that we do not know: they must not look like a good result.
        false => Verdict::Found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_database_is_neither_clean_nor_a_finding() {
        let cases = [
            (true, "advisories ok", Verdict::Clean),
            (false, "error[vulnerability]: a hole", Verdict::Found),
            (
                false,
                "[ERROR] failed to fetch advisory database somewhere",
                Verdict::NotChecked,
            ),
            (
                false,
                "something that nobody has seen before",
                Verdict::Found,
            ),
        ];
        for (succeeded, text, verdict) in cases {
            assert_eq!(judge(succeeded, text), verdict, "{text}");
        }
    }
}
