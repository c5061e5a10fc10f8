//! URLs: what is asked, and of whom.
//!
//! The `url` crate reads URLs as browsers do, which forgives a lot: it drops line breaks, trims spaces and
//! turns `http:///x` into the host `x`. On a command line such a URL is a slip or an attack (a CR LF in it
//! once ended up as a field of the request), so they are refused here, before. Pure. Read `request.rs`
//! after. Sources: RFC 3986, the WHATWG URL standard, RFC 9110 section 4.2.

use netcommon::addr::HostPort;
use netcommon::escape::quote;
use url::{Host, Url};

/// The longest URL: servers take 8 KiB, so more is no URL.
const URL_BYTES_MAX: usize = 64 * 1024;

/// How much of a bad URL an error shows.
const SHOWN_MAX: usize = 80;

/// Why a text is not a URL that we can fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("URL {}: {why}", quote(.text.as_bytes(), SHOWN_MAX))]
pub struct UrlError {
    text: String,
    why: String,
}

/// Reads a URL as a user types it; without a scheme it is `http`.
///
/// # Errors
/// No host, port 0, white space, control characters, half a percent-encoding, or another scheme than
/// `http` and `https`; the error says which.
///
/// # Examples
/// ```
/// use http_client::target::parse_url;
///
/// assert_eq!(parse_url("教室.example/第一課?a=b c").unwrap_err().to_string().split(": ").last(),
///     Some("white space in it; write a space as %20"));
/// assert_eq!(parse_url("教室.example/第一課")?.as_str(),
///     "http://xn--wbtt9t.example/%E7%AC%AC%E4%B8%80%E8%AA%B2");
/// # Ok::<(), http_client::target::UrlError>(())
/// ```
pub fn parse_url(text: &str) -> Result<Url, UrlError> {
    let wrong = |why: &str| UrlError { text: text.to_owned(), why: why.to_owned() };
    check_slips(text).map_err(wrong)?;
    // `://` may also stand in a query: `127.0.0.1:8080/?from=http://b/`.
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme));
    if !has_scheme && ["http:", "https:"].iter().any(|scheme| starts_with_and_a_path(text, scheme)) {
        return Err(wrong("two slashes must follow the scheme, as in http://127.0.0.1:8080/"));
    }
    let with_scheme = if has_scheme { text.to_owned() } else { format!("http://{text}") };
    let (_, rest) = with_scheme.split_once("://").unwrap_or_default();
    if rest.starts_with(['/', '?', '#', ':']) || rest.is_empty() {
        return Err(wrong("no host; expected for example http://127.0.0.1:8080/"));
    }
    let url = Url::parse(&with_scheme).map_err(|error| wrong(&error.to_string()))?;
    check_reachable(&url).map_err(wrong)?;
    Ok(url)
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_inner)
}

/// Whether a text is such a scheme and something else than a port behind it.
fn starts_with_and_a_path(text: &str, scheme: &str) -> bool {
    let head = text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    head && !text[scheme.len()..].starts_with(|c: char| c.is_ascii_digit())
}

/// Reads the `Location` of a redirect, which may be relative to where it came from.
///
/// # Errors
/// As [`parse_url`], except that servers may leave spaces and bytes outside ASCII as they are.
pub fn parse_location(value: &[u8], base: &Url) -> Result<Url, UrlError> {
    // Old servers name their files in Latin-1 or Big5: such bytes are asked for as they came.
    let text = value.utf8_chunks().fold(String::new(), |text, chunk| {
        chunk.invalid().iter().fold(text + chunk.valid(), |text, byte| text + &format!("%{byte:02X}"))
    });
    let wrong = |why: &str| UrlError { text: text.clone(), why: why.to_owned() };
    if text.len() > URL_BYTES_MAX || text.contains(|c: char| c.is_control()) {
        return Err(wrong("too long, or a control character in it"));
    }
    let mut url = base.join(&text).map_err(|error| wrong(&error.to_string()))?;
    check_reachable(&url).map_err(wrong)?;
    // A fragment goes on to the new place unless that has its own (RFC 9110 section 10.2.2).
    if url.fragment().is_none() {
        url.set_fragment(base.fragment());
    }
    Ok(url)
}

/// What the `url` crate would silently repair.
fn check_slips(text: &str) -> Result<(), &'static str> {
    if text.len() > URL_BYTES_MAX {
        return Err("longer than 64 KiB");
    }
    if text.contains(|c: char| c.is_control()) {
        return Err("a control character in it, such as a line break");
    }
    if text.contains(char::is_whitespace) {
        return Err("white space in it; write a space as %20");
    }
    if text.contains('\\') {
        return Err("a backslash in it; write / or %5C");
    }
    let is_code = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if text.split('%').skip(1).any(|rest| !is_code(rest)) {
        return Err("two hexadecimal digits must follow %; the sign itself is %25");
    }
    Ok(())
}

fn check_reachable(url: &Url) -> Result<(), &'static str> {
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(_)) if url.port() == Some(0) => Err("port 0 is no server's port"),
        ("http" | "https", Some(_)) => Ok(()),
        ("http" | "https", None) => Err("no host"),
        _ => Err("only http and https are known"),
    }
}

/// Whom to connect to.
///
/// # Errors
/// A host that no name service can know, such as one with a label of more than 63 bytes.
pub fn host_port(url: &Url) -> Result<HostPort, UrlError> {
    let port = url.port_or_known_default().unwrap_or(80);
    let addr = format!("{}:{port}", host(url));
    addr.parse().map_err(|error: netcommon::addr::ParseError| UrlError {
        text: url.as_str().to_owned(),
        why: error.to_string(),
    })
}

/// The host in ASCII, an IPv6 address in brackets.
#[must_use]
pub fn host(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => format!("[{ip}]"),
        None => String::new(),
    }
}

/// The value of the `Host` field: the port only where it is not the scheme's own.
#[must_use]
pub fn host_field(url: &Url) -> String {
    url.port().map_or_else(|| host(url), |port| format!("{}:{port}", host(url)))
}

/// Path and query, as the request line has them; a fragment is never sent.
#[must_use]
pub fn origin_form(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}

/// The value of `Authorization` for the name and password in a URL.
///
/// # Examples
/// ```
/// let url = http_client::target::parse_url("http://Aladdin:open%20sesame@127.0.0.1/")?;
/// // The example of RFC 7617 section 2.
/// assert_eq!(http_client::target::basic(&url).as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
/// # Ok::<(), http_client::target::UrlError>(())
/// ```
#[must_use]
pub fn basic(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = percent_decode(url.username());
    pair.push(b':');
    pair.extend(percent_decode(url.password().unwrap_or_default()));
    Some(format!("Basic {}", base64(&pair)))
}

/// Bytes in place of `%XX`.
#[must_use]
pub fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

/// RFC 4648 section 4: three bytes become four letters.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letter = |at: usize| match at <= chunk.len() {
            true => char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]),
            false => '=',
        };
        [letter(0), letter(1), letter(2), letter(3)]
    };
    bytes.chunks(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_refused_with_what_would_be_right() {
        for (text, want) in [
            ("", "no host; expected"),
            ("http://", "no host; expected"),
            ("http:///x", "no host; expected"),
            ("http://:80", "no host; expected"),
            ("http://a:0/", "port 0"),
            ("http://a:65536/", "invalid port"),
            ("http://a:80x/", "invalid port"),
            ("http://[::1/", "invalid IPv6"),
            ("http://a/%zz", "two hexadecimal digits"),
            ("http://a/%E", "two hexadecimal digits"),
            ("http://a/b c", "white space"),
            (" http://a/", "white space"),
            ("http://a/\r\nX: y", "a control character"),
            ("http://a\\b/", "a backslash"),
            ("ftp://a/", "only http and https"),
            ("file:///etc/passwd", "no host"),
            ("http://256.1.1.1/", "invalid IPv4"),
            ("http:/127.0.0.1/", "two slashes"),
            ("HTTPS:a.example/", "two slashes"),
            ("://a/", "no host"),
        ] {
            let error = parse_url(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
        assert!(parse_url(&format!("http://a/{}", "x".repeat(1 << 20))).is_err());
    }

    #[test]
    fn a_url_says_whom_to_ask_for_what() {
        for (text, whom, field, what) in [
            ("127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080", "/"),
            ("http://[::1]/a?b=c#d", "[::1]:80", "[::1]", "/a?b=c"),
            ("HTTP://EXAMPLE.com:80/%41", "example.com:80", "example.com", "/%41"),
            (
                "https://教室.example/第?問=答",
                "xn--wbtt9t.example:443",
                "xn--wbtt9t.example",
                "/%E7%AC%AC?%E5%95%8F=%E7%AD%94",
            ),
            ("http://a/../b/./c", "a:80", "a", "/b/c"),
            ("a:8080/?from=http://b/", "a:8080", "a:8080", "/?from=http://b/"),
            ("http:8080/", "http:8080", "http:8080", "/"),
        ] {
            let url = parse_url(text).unwrap();
            assert_eq!(host_port(&url).unwrap().to_string(), whom, "{text}");
            assert_eq!((host_field(&url).as_str(), origin_form(&url)), (field, what), "{text}");
        }
    }

    #[test]
    fn base64_pads() {
        for (bytes, want) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), want);
        }
    }
}
