//! The command that deletes the sessions of a run, as it is typed, without secrets.

use super::service::{Target, around_credentials, has_literal_credentials};
use crate::cli::Hidden;
use std::env;

/// Returns the command for the service of a run. The options of the run for the connection to the service are part of
/// it, but not literal values that may be secrets. Variables that it needs are named in a comment.
pub(super) fn cleanup_command(target: &Target<'_>, yes: bool, test_run_id: &str) -> String {
    let service = target.options;
    let unset: Vec<_> = target.replaced_variables().iter().map(|name| format!("-u {name} ")).collect();
    let unset = if unset.is_empty() { String::new() } else { format!("env {}", unset.concat()) };
    let mut command = format!("{unset}loadtest cleanup --test-run-id {test_run_id}");
    let mut add = |option: &str, value: &str| {
        command.push_str(option);
        command.push_str(&quoted(value));
    };
    let variables = target.variables();
    let address = variables.iter().find(|(key, _)| key == "connection.uri");
    let address = target.host.map(str::to_owned).or_else(|| env::var(&address?.1).ok());
    if let Some(host) = address {
        add(" --host ", &without_credentials(&host));
    }
    if let Some(file) = target.file() {
        add(" --config ", &file.display().to_string());
    }
    for Hidden(header) in &service.header {
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        let value = if is_reference(value.trim()) { value.trim() } else { "VALUE" };
        add(" --header ", &format!("{}: {value}", name.trim()));
    }
    for (option, value) in [
        (" --token ", service.token.as_ref().map(|Hidden(reference)| reference)),
        (" --token-file ", service.token_file.as_ref()),
        (" --cacert ", service.cacert.as_ref()),
        (" --cert ", service.cert.as_ref()),
        (" --key ", service.key.as_ref()),
        (" --protocol ", service.protocol.as_ref()),
    ] {
        if let Some(value) = value {
            add(option, value);
        }
    }
    if service.token_command.is_some() {
        // The command itself may contain a secret.
        add(" --token-command ", "COMMAND");
    }
    if let Some(Hidden(proxy)) = &service.proxy {
        add(" --proxy ", &without_credentials(proxy));
    }
    for address in &service.resolve {
        add(" --resolve ", address);
    }
    for (option, is_given) in
        [(" --insecure", service.insecure), (" --http2", service.http2), (" --yes", yes)]
    {
        if is_given {
            command.push_str(option);
        }
    }
    let names: Vec<_> =
        variables.iter().filter(|(key, _)| key != "connection.uri").map(|(_, name)| &**name).collect();
    if !names.is_empty() {
        // A comment for the shell.
        command = format!("{command} # with {}", names.join(", "));
    }
    command
}

/// Returns whether a value is a reference such as `${KEY}`, at most behind the name of a scheme such as `Bearer`.
fn is_reference(value: &str) -> bool {
    let (scheme, reference) = value.rsplit_once(' ').unwrap_or(("", value));
    let name = reference.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
        && name.is_some_and(|name| !name.contains(['$', '}']))
}

/// Replaces the credentials of a URL, unless they are references.
fn without_credentials(url: &str) -> String {
    match around_credentials(url) {
        Some([scheme, _, behind]) if has_literal_credentials(url) => {
            format!("{scheme}USER:PASSWORD@{behind}")
        }
        _ => url.to_owned(),
    }
}

/// Quotes an argument for a shell, if necessary.
fn quoted(argument: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@,=+%".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::contract::Contract;

    fn command(args: &[&str]) -> String {
        let cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
        let target = Target {
            contract: &Contract::SESSIONS,
            options: &cli.service,
            host: cli.goose.host.as_deref(),
            timeout: None,
            file_replaces_variables: false,
        };
        cleanup_command(&target, cli.run.yes, "0123456789ab")
    }

    #[test]
    fn the_command_has_the_options_of_the_run_for_the_service() {
        assert_eq!(
            command(&["--host", "http://localhost:8080/below", "-u", "3"]),
            "loadtest cleanup --test-run-id 0123456789ab --host http://localhost:8080/below"
        );
        let options = [
            "--config",
            "my staging.yaml",
            "--cacert",
            "ca.pem",
            "--http2",
            "--resolve",
            "h:80:::1",
            "--protocol",
            "grpc",
            "--yes",
        ];
        assert_eq!(
            command(&options),
            "loadtest cleanup --test-run-id 0123456789ab --config 'my staging.yaml' --cacert ca.pem \
             --protocol grpc --resolve h:80:::1 --http2 --yes"
        );
    }

    #[test]
    fn references_are_part_of_the_command_and_literal_values_are_not() {
        let options = [
            "--host",
            "http://me:s3cret@h",
            "--header",
            "x-api-key: ${KEY}",
            "--header",
            "x-token: s3cret",
            "--header",
            "x-half: s3cret-${KEY}",
            "--header",
            "x-two: ${KEY}s3cret${KEY}",
            "--header",
            "authorization: Bearer ${KEY}",
            "--token",
            "${TOKEN}",
            "--proxy",
            "http://me:${PASSWORD}@proxy",
        ];
        assert_eq!(
            command(&options),
            "loadtest cleanup --test-run-id 0123456789ab --host http://USER:PASSWORD@h \
             --header 'x-api-key: ${KEY}' --header 'x-token: VALUE' --header 'x-half: VALUE' \
             --header 'x-two: VALUE' --header 'authorization: Bearer ${KEY}' --token '${TOKEN}' \
             --proxy 'http://me:${PASSWORD}@proxy'"
        );
    }

    #[test]
    fn an_address_keeps_its_path_with_an_at_sign() {
        let command = |host| command(&["--host", host]);
        let address = "http://gateway/teams/@shop/sessions";
        let expected = "loadtest cleanup --test-run-id 0123456789ab --host http://";
        assert_eq!(command(address), format!("{expected}gateway/teams/@shop/sessions"));
        assert_eq!(command("http://me:s3cret@h/@shop"), format!("{expected}USER:PASSWORD@h/@shop"));
        assert_eq!(command("http://me:s3/cret@h"), format!("{expected}USER:PASSWORD@h"));
    }

    #[test]
    fn a_command_that_prints_the_token_is_not_shown() {
        assert_eq!(
            command(&["--host", "http://h", "--token-command", "echo s3cret"]),
            "loadtest cleanup --test-run-id 0123456789ab --host http://h --token-command COMMAND"
        );
    }

    #[test]
    fn quotes_in_an_argument_are_quoted() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
