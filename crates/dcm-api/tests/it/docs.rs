//! The page on which people read the description: all of it comes from us.

use crate::server::Server;

/// What follows each `before`, up to `end`.
fn all_between<'a>(text: &'a str, before: &str, end: char) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .collect()
}

/// Paths that a page names.
fn named_by(page: &str) -> Vec<&str> {
    [r#"src=""#, r#"href=""#]
        .into_iter()
        .flat_map(|attribute| all_between(page, attribute, '"'))
        .filter(|path| !path.starts_with("data:"))
        .collect()
}

#[tokio::test]
async fn the_page_and_every_file_that_it_names_is_served() {
    let server = Server::new();
    let page = server.get("/docs").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let named = named_by(&page.text);
    assert_eq!(named.len(), 4, "{named:?}");
    for path in named {
        let file = server.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        let media_type = file.header("content-type").unwrap();
        let expected = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => "application/json",
        };
        assert_eq!(media_type, expected, "{path}");
    }
}

#[tokio::test]
async fn nothing_of_the_page_comes_from_another_host() {
    let server = Server::new();
    let page = server.get("/docs").await;
    for path in named_by(&page.text) {
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path}");
    }
    let style = server.get("/docs/swagger-ui.css").await.text;
    for url in all_between(&style, "url(", ')') {
        let inside = url.trim_matches(['"', '\'']);
        assert!(inside.starts_with("data:"), "{inside}");
    }
    assert!(!style.contains("@import"));
    let start = server.get("/docs/start.js").await.text;
    assert!(start.contains(r#"url: "/v2/openapi.json""#), "{start}");
    assert!(start.contains("validatorUrl: null"), "{start}");
    assert!(!start.contains("://"), "{start}");
}

#[tokio::test]
async fn a_browser_is_told_to_load_nothing_from_another_host() {
    let server = Server::new();
    for path in ["/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js"] {
        let answer = server.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for directive in policy.split("; ") {
            let mut words = directive.split(' ');
            let name = words.next().unwrap();
            let own = ["'self'", "'none'", "data:"];
            let of_styles = name == "style-src";
            assert!(
                words.all(|word| own.contains(&word) || (of_styles && word == "'unsafe-inline'")),
                "{directive}"
            );
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn other_files_of_the_viewer_are_not_served() {
    let server = Server::new();
    for path in ["/docs/index.html", "/docs/..%2Fstart.js", "/docs/%FF"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer}");
    }
}
