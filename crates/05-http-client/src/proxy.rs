//! Proxies from the environment: who carries the request.
//!
//! `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` are a convention, not a standard; these are the
//! rules that curl follows. `HTTP_PROXY` in capitals is not read: a CGI program would find a visitor's
//! `Proxy` field there. Pure: the environment is passed in. Read `client.rs` for the use.

use std::net::Ipv6Addr;

use netcommon::escape::quote;
use url::Url;

use crate::target::{UrlError, host, parse_url};

/// The proxies that the environment names.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<String>,
}

/// A variable that names no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Not a URL.
    #[error("environment variable {name}")]
    Url {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        #[source]
        cause: UrlError,
    },
    /// SOCKS, or TLS to the proxy itself.
    #[error("environment variable {name}: {}: only proxies that speak HTTP themselves are known", quote(.value.as_bytes(), 80))]
    Scheme {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
}

impl Proxies {
    /// Reads the variables.
    ///
    /// # Errors
    /// A variable whose value is no proxy that we can speak to.
    ///
    /// # Examples
    /// ```
    /// use http_client::{proxy::Proxies, target::parse_url};
    ///
    /// let env = |name: &str| match name {
    ///     "http_proxy" => Some("127.0.0.1:3128".to_owned()),
    ///     "no_proxy" => Some(".lan, localhost".to_owned()),
    ///     _ => None,
    /// };
    /// let proxies = Proxies::from_env(&env).unwrap();
    /// assert!(proxies.of(&parse_url("http://教室.example/").unwrap()).is_some());
    /// assert!(proxies.of(&parse_url("http://printer.lan/").unwrap()).is_none());
    /// ```
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let first = |names: &[&'static str]| -> Result<Option<Url>, ProxyError> {
            let found = names.iter().find_map(|name| Some((*name, get(name).filter(|value| !value.is_empty())?)));
            let Some((name, value)) = found else { return Ok(None) };
            let url = parse_url(&value).map_err(|cause| ProxyError::Url { name, cause })?;
            if url.scheme() == "http" { Ok(Some(url)) } else { Err(ProxyError::Scheme { name, value }) }
        };
        let all: [&'static str; 2] = ["all_proxy", "ALL_PROXY"];
        let exceptions = get("no_proxy").or_else(|| get("NO_PROXY")).unwrap_or_default();
        Ok(Self {
            http: first(&["http_proxy", all[0], all[1]])?,
            https: first(&["https_proxy", "HTTPS_PROXY", all[0], all[1]])?,
            exceptions: exceptions.split([',', ' ']).map(|part| part.trim().to_ascii_lowercase()).collect(),
        })
    }

    /// The proxy for a URL, if there is one.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.is_exception(url))
    }

    /// A host is excepted by its own name, its domain, or `*`.
    fn is_exception(&self, url: &Url) -> bool {
        let host = host(url);
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.exceptions.iter().filter(|part| !part.is_empty()).any(|part| {
            // An IPv6 address may be written with its brackets or without.
            let domain = part.trim_start_matches('.');
            let domain = if domain.parse::<Ipv6Addr>().is_ok() { &format!("[{domain}]") } else { domain };
            let is_below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
            part == "*" || domain == host || *part == with_port || is_below
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_env(&get)
    }

    #[test]
    fn each_scheme_has_its_variable_and_exceptions_count() {
        let all = proxies(&[("all_proxy", "http://p:1"), ("https_proxy", "q:2"), ("no_proxy", "b.c, ::1,d:81 [::2]")])
            .unwrap();
        for (url, want) in [
            ("http://a/", Some(1)),
            ("https://a/", Some(2)),
            ("http://b.c/", None),
            ("http://x.b.c/", None),
            ("http://xb.c/", Some(1)),
            ("http://[::1]/", None),
            ("http://[::2]/", None),
            ("http://[::3]/", Some(1)),
            ("http://d/", Some(1)),
            ("http://d:81/", None),
        ] {
            assert_eq!(all.of(&parse_url(url).unwrap()).and_then(Url::port), want, "{url}");
        }
        assert!(proxies(&[("HTTP_PROXY", "p:1")]).unwrap().of(&parse_url("a").unwrap()).is_none());
        assert!(matches!(proxies(&[("http_proxy", "socks5://p:1")]), Err(ProxyError::Url { .. })));
        assert!(matches!(proxies(&[("http_proxy", "https://p:1")]), Err(ProxyError::Scheme { .. })));
        assert!(proxies(&[("http_proxy", "")]).unwrap().of(&parse_url("a").unwrap()).is_none());
    }
}
