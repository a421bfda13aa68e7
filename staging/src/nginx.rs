//! nginx as a gateway.

use crate::Arrivals;
use crate::port::free_port;
use crate::program::Program;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tempfile::TempDir;

/// nginx in front of a service. It ends when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    status: SocketAddr,
    counted: Arrivals,
    program: Program,
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx in front of the service at `upstream`. `listen` are the parameters of its address, such as
    /// `ssl`, and `directives` are those of its server, in which `location /` exists already, and those of
    /// `location` are in `location`.
    ///
    /// # Errors
    ///
    /// If nginx does not start, with its log.
    pub async fn start(
        upstream: SocketAddr,
        listen: &str,
        directives: &str,
        location: &str,
    ) -> io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, free_port()?).into();
        Self::start_at(address, upstream, listen, directives, location).await
    }

    /// Starts nginx in front of the gRPC port of a service, otherwise like [`start`](Self::start). It speaks HTTP/2 if
    /// `listen` contains `http2`.
    ///
    /// # Errors
    ///
    /// If nginx does not start, with its log.
    pub async fn start_grpc(
        upstream: SocketAddr,
        listen: &str,
        directives: &str,
        location: &str,
    ) -> io::Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, free_port()?).into();
        let location = format!("{location}\n            grpc_pass grpc://service;");
        Self::launch(address, upstream, listen, directives, &location).await
    }

    /// Starts nginx at an address, otherwise like [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// If nginx does not start, with its log.
    pub async fn start_at(
        address: SocketAddr,
        upstream: SocketAddr,
        listen: &str,
        directives: &str,
        location: &str,
    ) -> io::Result<Self> {
        let location = format!("{location}\n            proxy_pass http://service;");
        Self::launch(address, upstream, listen, directives, &location).await
    }

    async fn launch(
        address: SocketAddr,
        upstream: SocketAddr,
        listen: &str,
        directives: &str,
        location: &str,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let status: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()?).into();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {kind};\n"))
            .concat();
        let configuration = format!(
            "user root;\ndaemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n\
             events {{ worker_connections 512; }}\n\
             http {{\n\
                 {temporary}    access_log off;\n    \
                 # The services close idle connections after 5 s.\n    \
                 upstream service {{ server {upstream}; keepalive 32; keepalive_timeout 2s; }}\n    \
                 server {{ listen {status}; location / {{ stub_status; keepalive_timeout 0; }} }}\n    \
                 server {{\n        listen {address} {listen};\n        {directives}\n        \
                 proxy_http_version 1.1;\n        proxy_set_header Connection \"\";\n        \
                 proxy_set_header Host $http_host;\n        \
                 location / {{\n            {location}\n        }}\n    \
                 }}\n}}\n"
        );
        fs::write(folder.path().join("nginx.conf"), configuration)?;
        let prefix = folder.path().display().to_string();
        let arguments = ["-p", &prefix, "-c", "nginx.conf", "-e", "stderr"];
        let program = Program::start("nginx", &arguments, folder.path(), status).await?;
        let mut nginx = Self { address, status, counted: Arrivals::default(), program, _folder: folder };
        // The connection that noticed its start is not counted.
        nginx.arrivals().await?;
        Ok(nginx)
    }

    /// Returns the address of the gateway.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what has arrived since the start or the last call.
    ///
    /// # Errors
    ///
    /// If nginx does not respond.
    pub async fn arrivals(&mut self) -> io::Result<Arrivals> {
        let page = page(&format!("http://{}/", self.status)).await.map_err(|why| self.program.error(&why))?;
        // The third line: " accepted handled requests "
        let numbers: Vec<u64> = page
            .lines()
            .nth(2)
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        let [connections, _, requests] = numbers[..] else {
            return Err(self.program.error(&format!("has an unexpected status page: {page}")));
        };
        // Not those of this function.
        let total = Arrivals { connections: Some(connections), requests };
        let own = Arrivals { connections: Some(1), requests: 1 };
        let since = total.since(self.counted).since(own);
        self.counted = total;
        Ok(since)
    }
}

/// Gets a page over a new connection.
pub(crate) async fn page(url: &str) -> Result<String, String> {
    let get = async {
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        client.get(url).send().await?.error_for_status()?.text().await
    };
    get.await.map_err(|error| format!("does not respond at {url}: {error}"))
}
