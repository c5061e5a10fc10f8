//! Redirects: where to go next, and what must not come along.
//!
//! Pure: a response's status and fields in, the next request out. Read `client.rs` for the loop around it.
//! Sources: RFC 9110 sections 15.4 and 10.2.2.

use std::collections::HashSet;

use url::Url;

use crate::fields::Fields;
use crate::request::Request;
use crate::target::{UrlError, parse_location};

/// How many redirects are followed; browsers take 20, but whoever needs more than a few is lost.
pub const REDIRECTS_MAX: usize = 10;

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error)]
pub enum RedirectError {
    /// Too many.
    #[error("more than {REDIRECTS_MAX} redirects, the last one to {0}; --no-redirects shows the first answer")]
    TooMany(String),
    /// The same again.
    #[error("a redirect loop: {0} was asked before; --no-redirects shows the first answer")]
    Loop(String),
    /// From a secret connection to an open one.
    #[error("a redirect from https to {0}, which anybody on the way can read; --allow-downgrade follows it")]
    Downgrade(String),
    /// A place that we cannot go to.
    #[error("redirect")]
    Location(#[source] UrlError),
}

/// The rules of one run, and where it has been.
#[derive(Debug, Default)]
pub struct Redirects {
    /// Whether https may lead to http.
    pub allow_downgrade: bool,
    seen: HashSet<(String, String)>,
}

impl Redirects {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(allow_downgrade: bool) -> Self {
        Self { allow_downgrade, seen: HashSet::new() }
    }

    /// How many redirects were followed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// The request that follows this answer; `None` when it is the last one.
    ///
    /// # Errors
    /// A redirect that is not followed.
    ///
    /// # Examples
    /// ```
    /// use http_client::{fields::Fields, redirect::Redirects, request::Request, target::parse_url};
    ///
    /// let url = parse_url("http://a/b/c")?;
    /// let request = Request { method: "POST".to_owned(), url, headers: Vec::new(), data: Some(vec![1]) };
    /// let mut fields = Fields::default();
    /// fields.push("Location", "../d");
    /// let next = Redirects::new(false).next(303, &fields, &request).unwrap().unwrap();
    /// assert_eq!((next.method.as_str(), next.url.as_str(), next.data), ("GET", "http://a/d", None));
    /// # Ok::<(), http_client::target::UrlError>(())
    /// ```
    // ANCHOR: next
    pub fn next(&mut self, status: u16, fields: &Fields, request: &Request) -> Result<Option<Request>, RedirectError> {
        let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, fields.get("Location")) else { return Ok(None) };
        let url = parse_location(location, &request.url).map_err(RedirectError::Location)?;
        if request.url.scheme() == "https" && url.scheme() == "http" && !self.allow_downgrade {
            return Err(RedirectError::Downgrade(shown(&url)));
        }
        let mut next = Request { url, ..request.clone() };
        // 303 means "look there"; after 301 and 302 clients have always made a POST a GET.
        let becomes_get = (status == 303 && request.method != "HEAD") || (status < 303 && request.method == "POST");
        if becomes_get {
            next.method = "GET".to_owned();
            next.data = None;
            next.headers.retain(|header| !header.name.eq_ignore_ascii_case("Content-Type"));
        }
        if next.url.origin() != request.url.origin() {
            next.forget_secrets();
        } else if next.url.username().is_empty() && next.url.password().is_none() {
            // The same host: the name and password of the first URL hold here too.
            let _ = next.url.set_username(request.url.username());
            let _ = next.url.set_password(request.url.password());
        }
        self.seen.insert((request.method.clone(), request.url.to_string()));
        if self.seen.contains(&(next.method.clone(), next.url.to_string())) {
            return Err(RedirectError::Loop(shown(&next.url)));
        }
        if self.count() > REDIRECTS_MAX {
            return Err(RedirectError::TooMany(shown(&next.url)));
        }
        Ok(Some(next))
    }
    // ANCHOR_END: next
}

/// A URL for an error's reader, without its password.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::parse_url;

    fn get(url: &str) -> Request {
        let headers = vec!["Cookie: 餅乾".parse().unwrap(), "X-Other: y".parse().unwrap()];
        Request { method: "GET".to_owned(), url: parse_url(url).unwrap(), headers, data: None }
    }

    fn next(status: u16, location: &str, request: &Request) -> Result<Option<Request>, RedirectError> {
        let mut fields = Fields::default();
        fields.push("Location", location);
        Redirects::new(false).next(status, &fields, request)
    }

    #[test]
    fn a_location_may_be_relative_and_keeps_the_fragment() {
        for (location, want) in [
            ("/x", "http://a/x#f"),
            ("x y/教", "http://a/b/x%20y/%E6%95%99#f"),
            ("?q", "http://a/b/c?q#f"),
            ("//c/d", "http://c/d#f"),
            ("http://A:80/#g", "http://a/#g"),
            ("https://a/", "https://a/#f"),
        ] {
            assert_eq!(next(302, location, &get("http://a/b/c#f")).unwrap().unwrap().url.as_str(), want);
        }
    }

    #[test]
    fn secrets_stay_with_their_host() {
        let request = get("http://u:p@a/");
        let same = next(302, "/x", &request).unwrap().unwrap();
        assert!(same.headers.len() == 2 && same.url.as_str() == "http://u:p@a/x");
        for other in ["http://b/x", "http://a:81/x", "https://a/x"] {
            let next = next(302, other, &request).unwrap().unwrap();
            assert!(next.headers.len() == 1 && next.url.username().is_empty(), "{other}");
        }
    }

    #[test]
    fn loops_downgrades_other_schemes_and_long_chains_end() {
        assert!(matches!(next(301, "/", &get("http://a/")), Err(RedirectError::Loop(_))));
        assert!(matches!(next(301, "http://a/", &get("https://a/")), Err(RedirectError::Downgrade(_))));
        for bad in ["file:///etc/passwd", "ftp://a/", "http://a:0/", "http://[::1", "javascript:1"] {
            assert!(matches!(next(301, bad, &get("http://a/")), Err(RedirectError::Location(_))), "{bad}");
        }
        let mut redirects = Redirects::new(false);
        let mut request = get("http://a/");
        for hop in 1..=REDIRECTS_MAX + 1 {
            let mut fields = Fields::default();
            fields.push("Location", format!("/{hop}"));
            match redirects.next(302, &fields, &request) {
                Ok(Some(next)) if hop <= REDIRECTS_MAX => request = next,
                Err(RedirectError::TooMany(_)) if hop > REDIRECTS_MAX => {}
                other => panic!("{hop}: {other:?}"),
            }
        }
        assert!(next(304, "/x", &get("http://a/")).unwrap().is_none());
    }

    #[test]
    fn methods_change_as_the_status_says() {
        for (status, method, want) in [
            (301, "POST", "GET"),
            (302, "PUT", "PUT"),
            (303, "PUT", "GET"),
            (303, "HEAD", "HEAD"),
            (307, "POST", "POST"),
            (308, "POST", "POST"),
        ] {
            let request = Request { method: method.to_owned(), data: Some(b"x".to_vec()), ..get("http://a/") };
            let next = next(status, "/x", &request).unwrap().unwrap();
            assert_eq!(
                (next.method.as_str(), next.data.is_some()),
                (want, want == method && want != "GET"),
                "{status}"
            );
        }
    }
}
