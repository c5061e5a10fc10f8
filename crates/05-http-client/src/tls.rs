//! TLS around a connection, and what its failures mean in plain words.
//!
//! Only with the feature `tls`. rustls does the cryptography; this file chooses whom to trust (the
//! authorities that browsers trust, or those in the user's file) and explains refusals. Read `connection.rs`
//! before. Sources: RFC 8446, RFC 9110 section 4.3.4.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::deadline::Timed;

/// A connection inside TLS.
pub(crate) type TlsStream = StreamOwned<ClientConnection, Timed>;

/// Whom to trust.
#[derive(Debug, Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The authorities in a PEM file, or those that browsers trust.
    ///
    /// # Errors
    /// A file that cannot be read or holds no certificate.
    pub fn load(file: Option<&Path>) -> io::Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = file {
            let pem = std::fs::read(file)?;
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let certificates = certificates.map_err(io::Error::other)?;
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in it"));
            }
        }
        let provider = Arc::new(rustls_graviola::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands over a connected stream.
    ///
    /// # Errors
    /// What the server did wrong, or why its certificate is not to be trusted.
    pub(crate) fn handshake(&self, mut stream: Timed, host: &str) -> io::Result<TlsStream> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

/// A TLS failure in words for somebody who has never seen a certificate.
#[must_use]
pub fn plain_words(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(reason) = error else {
        return Some(match error {
            rustls::Error::InvalidMessage(_) => {
                "the server does not speak TLS there; is it an http:// port?".to_owned()
            }
            error => error.to_string(),
        });
    };
    let words = match reason {
        CertificateError::UnknownIssuer => {
            "nobody that we trust vouches for it; if it is your own authority's, name that with --ca FILE"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired; check this machine's clock, or tell the server's owner"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; check this machine's clock"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it belongs to another name than the one in the URL"
        }
        CertificateError::Revoked => "its authority has revoked it",
        _ => return Some(format!("the server's certificate: {error}")),
    };
    Some(format!("the server's certificate: {words}"))
}
