//! PEM blocks: a bounded, total reader and a writer of the one canonical form.
//!
//! The reader takes what `openssl` and Go write (RFC 7468): text between blocks is skipped, a block
//! that does not end, ends under another label or is not base64 makes the whole text unreadable.
#![deny(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest PEM text that is looked at, in bytes.
const TEXT_LIMIT: usize = 256 * 1024;
/// Most blocks in one text.
const BLOCK_LIMIT: usize = 64;
/// Base64 characters in a line that we write.
const LINE: usize = 64;

/// Label of a certificate.
pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
/// Label of a certificate request.
pub(crate) const REQUEST: &str = "CERTIFICATE REQUEST";
/// Label of a PKCS#8 private key.
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";

/// One block; the content is wiped when dropped, because it may be a key.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Zeroizing<Vec<u8>>,
    /// Encrypted in the old way, by a header line.
    pub(crate) encrypted: bool,
}

/// A block whose end was not read yet.
struct Open {
    label: String,
    text: Zeroizing<String>,
    encrypted: bool,
}

/// All blocks of a text, in order; the error is a rule that the text breaks.
pub(crate) fn read(text: &str) -> Result<Vec<Block>, &'static str> {
    if text.len() > TEXT_LIMIT {
        return Err("must be at most 256 KiB");
    }
    let mut blocks = Vec::new();
    let mut open: Option<Open> = None;
    for line in text.lines().map(str::trim) {
        open = match open {
            None => marker(line, "-----BEGIN ").map(|label| Open {
                label: label.to_owned(),
                // Never grows, so that no copy of a key is left behind.
                text: Zeroizing::new(String::with_capacity(text.len())),
                encrypted: false,
            }),
            Some(block) => match marker(line, "-----END ") {
                Some(label) => {
                    blocks.push(close(block, label)?);
                    None
                }
                None => Some(continue_block(block, line)?),
            },
        };
        if blocks.len() > BLOCK_LIMIT {
            return Err("must hold at most 64 PEM blocks");
        }
    }
    if open.is_some() {
        return Err("must hold whole PEM blocks, but the last one has no end");
    }
    Ok(blocks)
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

fn continue_block(mut block: Open, line: &str) -> Result<Open, &'static str> {
    if line.starts_with("-----") {
        return Err("must hold whole PEM blocks, but one begins inside another");
    }
    if line.contains(':') {
        // Old key files say `Proc-Type: 4,ENCRYPTED`; we know no other header.
        block.encrypted = true;
    } else {
        block.text.push_str(line);
    }
    Ok(block)
}

fn close(block: Open, label: &str) -> Result<Block, &'static str> {
    if block.label != label {
        return Err("must hold PEM blocks that end under the label they begin with");
    }
    let mut der = Zeroizing::new(vec![0; block.text.len()]);
    if block.encrypted {
        der.clear();
    } else {
        let length = STANDARD
            .decode_slice(block.text.as_bytes(), &mut der)
            .map_err(|_| "must hold PEM blocks of valid base64")?;
        der.truncate(length);
    }
    Ok(Block {
        label: block.label,
        der,
        encrypted: block.encrypted,
    })
}

/// Writes one block.
pub(crate) fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let lines = base64.len() / LINE + 1;
    let mut text = String::with_capacity(base64.len() + lines + 2 * label.len() + 40);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    Zeroizing::new(text)
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    reason = "a test that indexes too far fails, as it should"
)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 47, 48, 49, 96, 500] {
            let der = vec![7; length];
            let text = write("THING", &der);
            let blocks = read(&text).unwrap();
            assert_eq!(blocks.len(), 1);
            assert_eq!(blocks[0].label, "THING");
            assert_eq!(*blocks[0].der, der);
        }
    }

    #[test]
    fn text_between_blocks_and_carriage_returns_are_skipped() {
        let one = write("A", b"one");
        let text = format!("Subject: x\n{}\nnoise\n{}", *one, *one).replace('\n', "\r\n");
        assert_eq!(read(&text).unwrap().len(), 2);
    }

    #[test]
    fn broken_blocks_make_the_text_unreadable() {
        let rows = [
            "-----BEGIN A-----\nAAAA",
            "-----BEGIN A-----\nAAAA\n-----END B-----",
            "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----",
            "-----BEGIN A-----\n!!!!\n-----END A-----",
            "-----BEGIN A-----\nAAA\n-----END A-----",
        ];
        for row in rows {
            assert!(read(row).is_err(), "{row}");
        }
        assert!(read("").unwrap().is_empty());
        assert!(read("-----END A-----").unwrap().is_empty());
        assert!(read(&"-----BEGIN A-----\n-----END A-----\n".repeat(65)).is_err());
        assert!(read(&" ".repeat(TEXT_LIMIT + 1)).is_err());
    }

    #[test]
    fn a_header_marks_the_block_as_encrypted() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
                    -----END RSA PRIVATE KEY-----\n";
        assert!(read(text).unwrap()[0].encrypted);
    }
}
