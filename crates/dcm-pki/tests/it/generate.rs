//! Documents that are too large, too deep or no text, by name.

use std::fmt::Write as _;

/// The document of a generator; `text` is the composed document of its row.
pub(crate) fn document(name: &str, text: &str) -> Vec<u8> {
    match name {
        "utf16-little-endian" => utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        "utf16-big-endian" => utf16(text, u16::to_be_bytes),
        "latin-1" => [text.as_bytes(), b"# caf\xe9\n"].concat(),
        "noise" => (0..10_000_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
            .collect(),
        "gzip" => b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d".to_vec(),
        "byte-order-mark" => format!("\u{feff}{text}").into_bytes(),
        "zero-byte" => text
            .replace("current-context", "\0current-context")
            .into_bytes(),
        "too-large" => {
            let padding = "#".repeat(256 * 1024 + 1 - text.len());
            format!("{text}{padding}").into_bytes()
        }
        "contexts-101" => contexts(text, 101),
        "contexts-10000" => contexts(text, 10_000),
        "token-too-long" => with_token(text, &"a".repeat(16 * 1024 + 1)),
        "huge-integer" => with_token(text, &"9".repeat(100_000)),
        "line-breaks" => with_token(text, &format!("\"a{}b\"", "\n".repeat(10_000))),
        _ => bomb(name).into_bytes(),
    }
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn contexts(text: &str, count: usize) -> Vec<u8> {
    let mut list = String::from("contexts: [");
    for number in 0..count {
        write!(list, "{{name: c{number}}},").unwrap();
    }
    list.push_str("{name: main");
    text.replace("contexts: [{name: main", &list).into_bytes()
}

fn with_token(text: &str, token: &str) -> Vec<u8> {
    text.replace(crate::sample::TOKEN, token).into_bytes()
}

fn bomb(name: &str) -> String {
    match name {
        "billion-laughs" => {
            let mut text = String::from("a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
            for level in 1..30 {
                let alias = format!("*a{},", level - 1).repeat(9);
                writeln!(text, "a{level}: &a{level} [{alias}]").unwrap();
            }
            text
        }
        "merge-laughs" => {
            let mut text = String::from("a0: &a0 {k: v}\n");
            for level in 1..30 {
                let below = level - 1;
                writeln!(
                    text,
                    "a{level}: &a{level} {{<<: [*a{below}, *a{below}], k{level}: v}}"
                )
                .unwrap();
            }
            text
        }
        "anchors" => (0..10_000).fold(String::new(), |mut text, n| {
            writeln!(text, "k{n}: &a{n} v").unwrap();
            text
        }),
        "open-brackets" => "[".repeat(100_000),
        "open-braces" => "{a: ".repeat(60_000),
        "dashes" => "- ".repeat(100_000),
        "question-marks" => "? ".repeat(100_000),
        "indentation" => (0..600).fold(String::new(), |mut text, depth| {
            writeln!(text, "{}a:", " ".repeat(depth)).unwrap();
            text
        }),
        "depth-33" => format!("{}{}", "[".repeat(33), "]".repeat(33)),
        "many-members" => members(20_000, |n| format!("k{n}")),
        "same-member" => members(40_000, |_| "k".to_owned()),
        "same-member-4000" => members(4_000, |_| "kind".to_owned()),
        "many-entries" => format!("users: [{}]", "a,".repeat(40_000)),
        "empty-objects" => format!("users: [{}]", "{},".repeat(40_000)),
        "merge-keys" => members(10_000, |_| "<<".to_owned()),
        "many-documents" => "---\n".repeat(50_000),
        "long-key" => format!("{}: a", "k".repeat(200_000)),
        "long-quoted-key" => format!("\"{}\": a", "k".repeat(200_000)),
        "open-quote" => format!("a: \"{}", "b\\n".repeat(80_000)),
        "colons" => ":".repeat(250_000),
        "tag-directives" => (0..5_000).fold(String::new(), |mut text, n| {
            writeln!(text, "%TAG !{n}! tag:example.org,2000:").unwrap();
            text
        }),
        other => panic!("no generator is called {other}"),
    }
}

fn members(count: usize, name: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "{}: 1", name(number)).unwrap();
        text
    })
}
