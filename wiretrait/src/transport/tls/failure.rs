//! Messages for failed handshakes.

use super::ClientAuth;
use super::verifier::Rejected;
use crate::transport::failure::GIVE_CERTIFICATE;
use rustls::{AlertDescription, CertificateError, InvalidMessage, OtherError};

/// Returns why a handshake failed, as the end of a sentence.
pub(in crate::transport) fn describe_handshake(error: &rustls::Error, client_auth: &ClientAuth) -> String {
    use rustls::Error as E;

    match error {
        E::InvalidCertificate(CertificateError::Other(OtherError(reason))) if reason.is::<Rejected>() => {
            reason.to_string()
        }
        error if is_without_tls(error) => {
            "the service does not speak TLS at this port: use `http://`, or the port of `https`".to_owned()
        }
        E::AlertReceived(alert) => describe_alert(*alert, client_auth),
        E::PeerIncompatible(reason) => format!(
            "the service and this client have no TLS version or cipher suite in common ({reason:?}): the service \
             must support TLS 1.2 or 1.3 with a current cipher suite"
        ),
        E::NoCertificatesPresented => "the service sends no certificate: give it one".to_owned(),
        error => error.to_string(),
    }
}

/// Returns whether the service has responded to a handshake with something other than TLS.
pub(in crate::transport) fn is_without_tls(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))
}

/// Returns the remedy for a failed handshake with a service, if it depends on the protocol of the client.
pub(in crate::transport) fn handshake_advice(error: &rustls::Error) -> Option<&'static str> {
    is_no_version(error)
        .then_some("choose the other one with `with_http_version` (`options.http_version: 2`, or `1.1`)")
}

/// Returns whether the service rejects the version of HTTP that was offered.
pub(in crate::transport) fn is_no_version(error: &rustls::Error) -> bool {
    *error == rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)
}

/// Returns what an alert after the handshake means if it is about the certificate of the client, which a
/// service checks after the handshake in TLS 1.3.
pub(in crate::transport) fn describe_late_alert(
    error: &rustls::Error,
    client_auth: &ClientAuth,
) -> Option<String> {
    let rustls::Error::AlertReceived(alert) = error else { return None };
    is_about_client(*alert).then(|| describe_alert(*alert, client_auth))
}

/// Returns whether an alert is one about the certificate of a client.
fn is_about_client(alert: AlertDescription) -> bool {
    use AlertDescription as A;

    matches!(
        alert,
        A::CertificateRequired
            | A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::HandshakeFailure
    )
}

fn describe_alert(alert: AlertDescription, client_auth: &ClientAuth) -> String {
    use AlertDescription as A;

    let is_required = matches!(alert, A::CertificateRequired | A::NoCertificate);
    if is_required || (is_about_client(alert) && client_auth.is_requested()) {
        return match client_auth.description() {
            None => {
                format!("the service requires a client certificate: {GIVE_CERTIFICATE}")
            }
            Some(certificate) => format!(
                "the service rejects the client certificate ({certificate}) with the alert {alert:?}: use one that \
                 the service trusts"
            ),
        };
    }
    match alert {
        A::ProtocolVersion | A::HandshakeFailure | A::InsufficientSecurity => format!(
            "the service and this client have no TLS version or cipher suite in common (alert {alert:?}): the \
             service must support TLS 1.2 or 1.3 with a current cipher suite"
        ),
        A::UnrecognisedName => {
            "the service does not know this name (alert UnrecognisedName): check the host in the address"
                .to_owned()
        }
        A::NoApplicationProtocol => {
            "the service does not speak this version of HTTP (alert NoApplicationProtocol)".to_owned()
        }
        alert => format!("the service ended the TLS handshake with the alert {alert:?}: see its log"),
    }
}
