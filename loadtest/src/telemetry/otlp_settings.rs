//! The settings of the OTLP export: options, and the standard variables of OpenTelemetry.

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::time::Duration;

/// The default time between two exports, and the time limit of each.
const SECONDS: Duration = Duration::from_secs(5);

/// The way to the receiver.
#[derive(Clone)]
pub(super) struct OtlpSettings {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

/// Omits the headers and the user information of the address, which may be secret.
impl fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSettings").field("receiver", &self.receiver()).finish_non_exhaustive()
    }
}

impl OtlpSettings {
    /// Reads the settings. `endpoint` is the option `--otlp-endpoint`, which precedes the variables. Returns `None`
    /// without an endpoint.
    ///
    /// # Errors
    ///
    /// If a value is not valid, with the name of the option or variable.
    pub(super) fn read(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let of_signal = |name: &str| {
            let signal = format!("OTEL_EXPORTER_OTLP_METRICS_{name}");
            let all = format!("OTEL_EXPORTER_OTLP_{name}");
            variable(&signal)
                .map(|value| (signal, value))
                .or_else(|| variable(&all).map(|value| (all, value)))
        };
        let Some((source, address)) = endpoint
            .map(|url| ("--otlp-endpoint".to_owned(), url.to_owned()))
            .or_else(|| of_signal("ENDPOINT"))
        else {
            return Ok(None);
        };
        let is_complete = source == "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
        let url = metrics_url(&address, is_complete).ok_or_else(|| {
            format!(
                "{source} must be the http or https URL of an OTLP receiver, such as http://127.0.0.1:4318"
            )
        })?;
        if let Some((source, protocol)) = of_signal("PROTOCOL")
            && protocol.trim() != "http/protobuf"
        {
            return Err(format!(
                "{source} is {protocol}, but metrics are sent as http/protobuf: set it to http/protobuf, and the endpoint \
                 to the receiver's port for HTTP (4318)"
            ));
        }
        let headers = match of_signal("HEADERS") {
            Some((source, list)) => headers(&list).ok_or_else(|| {
                format!("{source} must be a list of headers, such as api-key=secret,x-tenant=acme")
            })?,
            None => HeaderMap::new(),
        };
        let millis = |(source, value): (String, String)| {
            let millis = value.trim().parse().ok().filter(|millis| *millis > 0);
            millis
                .map(Duration::from_millis)
                .ok_or_else(|| format!("{source} must be a number of milliseconds"))
        };
        let interval = variable("OTEL_METRIC_EXPORT_INTERVAL");
        let interval = interval.map(|value| ("OTEL_METRIC_EXPORT_INTERVAL".to_owned(), value));
        Ok(Some(Self {
            url,
            headers,
            interval: interval.map_or(Ok(SECONDS), millis)?,
            timeout: of_signal("TIMEOUT").map_or(Ok(SECONDS), millis)?,
        }))
    }

    /// The address of the receiver without credentials.
    pub(super) fn receiver(&self) -> String {
        let mut url = self.url.clone();
        // They only fail for addresses without a host.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.to_string()
    }
}

/// The address of the metrics: `v1/metrics` below that of the receiver, unless it is complete.
fn metrics_url(address: &str, is_complete: bool) -> Option<Url> {
    let mut url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    if !is_complete {
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/metrics"));
    }
    Some(url)
}

/// A list such as `api-key=secret,x-tenant=acme`, with percent-encoded values.
fn headers(list: &str) -> Option<HeaderMap> {
    pairs(list)?
        .into_iter()
        .map(|(name, value)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name).ok()?, value))
        })
        .collect()
}

/// The pairs of a list such as `key=value,key=value`, with percent-encoded values (W3C baggage).
pub(super) fn pairs(list: &str) -> Option<Vec<(String, String)>> {
    let pairs = list.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim();
        // A `+` is literal, unlike in forms.
        let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().ok()?;
        (!name.is_empty()).then(|| (name.to_owned(), value.into_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<OtlpSettings>, String> {
        OtlpSettings::read(endpoint, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert!(read(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).unwrap().is_none());
    }

    #[test]
    fn the_path_of_metrics_is_below_that_of_the_receiver() {
        let base = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/")];
        let url = |endpoint, variables: &[_]| read(endpoint, variables).unwrap().unwrap().url.to_string();
        assert_eq!(url(None, &base), "http://collector:4318/otlp/v1/metrics");
        assert_eq!(url(Some("https://other"), &base), "https://other/v1/metrics");
        let complete = [base[0], ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector/push")];
        assert_eq!(url(None, &complete), "http://collector/push");
    }

    #[test]
    fn headers_are_decoded_and_never_shown() {
        let variables = [("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3%20cret, x-tenant = acme")];
        let settings =
            read(Some("http://user:s3cret@collector:4318?key=s3cret"), &variables).unwrap().unwrap();
        assert_eq!(settings.headers["api-key"], "s3 cret");
        assert_eq!(settings.headers["x-tenant"], "acme");
        assert_eq!(settings.receiver(), "http://collector:4318/v1/metrics");
        assert!(!format!("{settings:?}").contains("s3"), "{settings:?}");
    }

    #[test]
    fn intervals_and_timeouts_are_milliseconds() {
        let variables = [("OTEL_METRIC_EXPORT_INTERVAL", "250"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")];
        let settings = read(Some("http://collector"), &variables).unwrap().unwrap();
        let millis = [settings.interval, settings.timeout].map(|time| time.as_millis());
        assert_eq!(millis, [250, 1_500]);
    }

    #[test]
    fn an_invalid_setting_is_named_without_its_value_if_secret() {
        let endpoint = "http://collector:4318";
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "0"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "5s"),
        ] {
            let error = read(Some(endpoint), &[(variable, value)]).unwrap_err();
            assert!(error.starts_with(variable) && !error.contains("s3cret"), "{error}");
        }
        for wrong in ["collector:4318", "grpc://collector", "unix:/tmp/socket", ""] {
            let error = read(Some(wrong), &[]).unwrap_err();
            assert!(error.starts_with("--otlp-endpoint must be"), "{error}");
        }
    }
}
