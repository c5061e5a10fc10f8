//! Requests: the bytes that are sent.
//!
//! ```text
//!  GET /教室?n=1 HTTP/1.1\r\n      request line (percent-encoded)
//!  Host: 127.0.0.1:8080\r\n       the one field that HTTP/1.1 demands
//!  …\r\n
//!  \r\n                           and the content, if there is some
//! ```
//! Whatever the user gives for a field is checked once, so that no line break in it can become a field or a
//! second request. Pure. Read `target.rs` before. Source: RFC 9112 sections 3 and 5.

use std::str::FromStr;

use url::Url;

use crate::coding::ACCEPT_ENCODING;
use crate::response::Asked;
use crate::target::{basic, host_field, origin_form};

/// Fields that follow from the request itself; a second opinion would make two readers see two messages.
const OURS: [&str; 2] = ["Content-Length", "Transfer-Encoding"];

/// Fields that tell who the user is: never sent to another host than the one they were meant for.
const SECRETS: [&str; 3] = ["Authorization", "Cookie", "Proxy-Authorization"];

/// One field as the user wrote it: `Name: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderArg {
    /// The name, a token.
    pub name: String,
    /// The value, without control characters.
    pub value: String,
}

impl FromStr for HeaderArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("expected `Name: value`")?;
        if !is_token(name) {
            return Err("a field name is letters, digits and !#$%&'*+-.^_`|~".to_owned());
        }
        if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
            return Err(format!("{name} follows from --data"));
        }
        let value = value.trim_matches([' ', '\t']);
        if value.contains(|c: char| c.is_control() && c != '\t') {
            return Err("a control character in the value, such as a line break".to_owned());
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// A method's name: a token, sent as it is.
///
/// # Errors
/// Anything that would not stay one word on the request line, and `CONNECT`, whose target is no URL.
pub fn parse_method(text: &str) -> Result<String, String> {
    match text {
        "CONNECT" => Err("it opens a tunnel through a proxy; an https URL does so where one is set".to_owned()),
        text if is_token(text) => Ok(text.to_owned()),
        _ => Err("expected a method such as GET or POST".to_owned()),
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Of whom and for what.
    pub url: Url,
    /// The user's fields; they take the place of ours with the same name.
    pub headers: Vec<HeaderArg>,
    /// The content.
    pub data: Option<Vec<u8>>,
}

impl Request {
    /// How the answer will be read.
    #[must_use]
    pub fn asked(&self) -> Asked {
        if self.method == "HEAD" { Asked::Head } else { Asked::Other }
    }

    /// Whether the user asked with a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// Whether asking twice is as good as asking once (RFC 9110 section 9.2.2).
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }

    /// Whether the user asked for the connection's end behind the answer.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        let named = |header: &&HeaderArg| header.name.eq_ignore_ascii_case("Connection");
        let mut options = self.headers.iter().filter(named).flat_map(|header| header.value.split(','));
        options.any(|option| option.trim().eq_ignore_ascii_case("close"))
    }

    /// The bytes for the wire; `via_proxy` puts the whole URL into the request line, and more fields.
    ///
    /// # Examples
    /// ```
    /// use http_client::request::Request;
    /// use http_client::target::parse_url;
    ///
    /// let url = parse_url("http://127.0.0.1:8080/教")?;
    /// let request = Request { method: "GET".to_owned(), url, headers: Vec::new(), data: None };
    /// let bytes = String::from_utf8(request.to_bytes(None)).unwrap();
    /// assert!(bytes.starts_with("GET /%E6%95%99 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
    /// assert!(bytes.ends_with("\r\n\r\n"));
    /// # Ok::<(), http_client::target::UrlError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self, via_proxy: Option<&[(String, String)]>) -> Vec<u8> {
        let mut target = origin_form(&self.url).to_owned();
        if via_proxy.is_some() {
            target = format!("{}://{}{target}", self.url.scheme(), host_field(&self.url));
        }
        let mut fields = vec![("Host".to_owned(), host_field(&self.url))];
        let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
        add("User-Agent", concat!("http-client/", env!("CARGO_PKG_VERSION")).to_owned());
        add("Accept", "*/*".to_owned());
        add("Accept-Encoding", ACCEPT_ENCODING.to_owned());
        if let Some(credentials) = basic(&self.url) {
            add("Authorization", credentials);
        }
        if let Some(data) = &self.data {
            add("Content-Type", "application/x-www-form-urlencoded".to_owned());
            add("Content-Length", data.len().to_string());
        } else if matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
            add("Content-Length", "0".to_owned());
        }
        fields.retain(|(name, _)| !self.headers.iter().any(|ours| ours.name.eq_ignore_ascii_case(name)));
        fields.extend(self.headers.iter().map(|header| (header.name.clone(), header.value.clone())));
        fields.extend(via_proxy.unwrap_or_default().iter().cloned());

        let mut bytes = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        for (name, value) in fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.data.as_deref().unwrap_or_default());
        bytes
    }

    /// Takes out what only the first host should know.
    pub fn forget_secrets(&mut self) {
        self.headers.retain(|header| !SECRETS.iter().any(|name| name.eq_ignore_ascii_case(&header.name)));
        // A Host field of the user's was meant for the first host as well.
        self.headers.retain(|header| !header.name.eq_ignore_ascii_case("Host"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_smuggle_a_line() {
        for text in ["no colon", ": x", "A B: c", "A: b\r\nC: d", "A: b\nC", "教: x", "Content-Length: 5", "A\r: b"] {
            assert!(text.parse::<HeaderArg>().is_err(), "{text:?}");
        }
        let header: HeaderArg = "X-Name:  教室 ".parse().unwrap();
        assert_eq!((header.name.as_str(), header.value.as_str()), ("X-Name", "教室"));
        assert!(parse_method("GET /x HTTP/1.1\r\n").is_err() && parse_method("PATCH").is_ok());
        assert!(parse_method("CONNECT").is_err());
    }

    #[test]
    fn the_users_fields_take_the_place_of_ours() {
        let url = crate::target::parse_url("http://小明:秘密@a/b#c").unwrap();
        let headers = vec!["user-agent: mine".parse().unwrap(), "Host: other".parse().unwrap()];
        let mut request = Request { method: "POST".to_owned(), url, headers, data: Some(b"x=1".to_vec()) };
        let text = String::from_utf8(request.to_bytes(None)).unwrap();
        assert!(text.starts_with("POST /b HTTP/1.1\r\nAccept: "), "{text}");
        assert!(text.contains("\r\nuser-agent: mine\r\nHost: other\r\n") && !text.contains("http-client/"), "{text}");
        assert!(text.contains("\r\nContent-Length: 3\r\n") && text.ends_with("\r\n\r\nx=1"), "{text}");
        assert!(text.contains("\r\nAuthorization: Basic "), "{text}");
        request.forget_secrets();
        let text = String::from_utf8(request.to_bytes(Some(&[("Proxy-X".to_owned(), "1".to_owned())]))).unwrap();
        assert!(text.starts_with("POST http://a/b HTTP/1.1\r\nHost: a\r\n") && text.contains("Proxy-X: 1"), "{text}");
    }
}
