//! The fields of a message: names that ignore case, values that are bytes.
//!
//! A field may come several times; the order of equal names means something (RFC 9110 section 5.3), so
//! they are kept as they came. Values are not text: old servers send Latin-1, others UTF-8. Read
//! `response/head.rs` for where they come from. Source: RFC 9110 section 5.

/// The fields of a head or a trailer section, in the order in which they came.
///
/// # Examples
/// ```
/// use http_client::fields::Fields;
///
/// let mut fields = Fields::default();
/// fields.push("Vary", "Accept");
/// fields.push("vary", "Cookie, Origin");
/// assert_eq!(fields.get("VARY"), Some(&b"Accept"[..]));
/// assert_eq!(fields.members("vary"), ["accept", "cookie", "origin"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// Adds one field at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value of the first field called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The values of all fields called `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The members of a comma-separated list, over all fields of that name, in lower case.
    ///
    /// Empty members do not count (RFC 9110 section 5.6.1). Bytes that are not UTF-8 become U+FFFD, which
    /// no known member contains.
    #[must_use]
    pub fn members(&self, name: &str) -> Vec<String> {
        let text = |value| String::from_utf8_lossy(value).to_ascii_lowercase();
        let all: Vec<String> = self.all(name).map(text).collect();
        let members = all.iter().flat_map(|value| value.split(',')).map(|member| member.trim_matches([' ', '\t']));
        members.filter(|member| !member.is_empty()).map(str::to_owned).collect()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_spreads_over_fields_and_has_no_empty_members() {
        let mut fields = Fields::default();
        for value in ["", " gzip ,,\tchunked", ",", "\u{6559}"] {
            fields.push("Transfer-Encoding", value);
        }
        assert_eq!(fields.members("transfer-encoding"), ["gzip", "chunked", "教"]);
        assert_eq!(fields.members("Content-Encoding"), [""; 0]);
    }
}
