//! The names of settings, and the names that are probably meant by unknown ones.

use super::is_setting;
use clap::Arg;
use clap::builder::Command;

/// Options that set a key of the client, which is written outside of the table `loadtest`.
const OF_CLIENT: [(&str, &str); 13] = [
    ("host", "connection.uri"),
    ("timeout", "options.timeout, in milliseconds"),
    ("header", "headers.<name>"),
    ("token", "credential.token"),
    ("token_file", "credential.token_file"),
    ("token_command", "credential.token_command"),
    ("cacert", "credential.ssl_ca_file"),
    ("cert", "credential.ssl_crt_file"),
    ("key", "credential.ssl_key_file"),
    ("insecure", "credential.insecure"),
    ("proxy", "proxy.url"),
    ("resolve", "connection.resolve"),
    ("protocol", "kind"),
];

/// The same for HTTP/2, whose key has another value.
const HTTP2: (&str, &str) = ("http2", "options.http_version, with the value 2");

/// Returns the key of the client that an option sets.
pub(super) fn key_of_client(id: &str) -> Option<&'static str> {
    OF_CLIENT.iter().chain([&HTTP2]).find(|(option, _)| *option == id).map(|(_, key)| *key)
}

/// Returns whether the value of an option may be a secret.
pub(super) fn is_secret(id: &str) -> bool {
    matches!(id, "dashboard_auth_token" | "header" | "host" | "proxy" | "token" | "token_command")
}

/// Returns the option of a setting, by its name or another name of it.
pub(super) fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        is_setting(arg) && (arg.get_long() == Some(name) || aliases.contains(&name))
    })
}

/// Returns the names of all settings that have an effect, with those of the client's keys if `with_client`.
pub(super) fn all(command: &Command, with_client: bool) -> impl Iterator<Item = &str> {
    let is_listed = move |arg: &&Arg| {
        let id = arg.get_id().as_str();
        is_setting(arg) && !arg.is_hide_set() && (with_client || key_of_client(id).is_none())
    };
    command.get_arguments().filter(is_listed).filter_map(Arg::get_long)
}

/// Returns the name that an unknown one is probably a misspelling of.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 3)
        .min()
        .map(|(_, known)| known)
}
