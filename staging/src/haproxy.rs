//! haproxy as a gateway.

use crate::Arrivals;
use crate::nginx::page;
use crate::port::free_port;
use crate::program::{END, Program};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// haproxy in front of services. It ends when it is dropped.
#[derive(Debug)]
pub struct Haproxy {
    address: SocketAddr,
    status: SocketAddr,
    counted: Arrivals,
    program: Program,
    folder: TempDir,
}

impl Haproxy {
    /// Starts haproxy in front of the services at `upstreams`, which are named `s1`, `s2` and so on. `bind` are
    /// the parameters of its address, such as `proto h2`, and `directives` those of its frontend.
    ///
    /// # Errors
    ///
    /// If haproxy does not start, with its log.
    pub async fn start(upstreams: &[SocketAddr], bind: &str, directives: &str) -> io::Result<Self> {
        Self::launch(upstreams, "", bind, directives).await
    }

    /// Starts haproxy in front of the gRPC ports of services, otherwise like [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// If haproxy does not start, with its log.
    pub async fn start_grpc(upstreams: &[SocketAddr], bind: &str, directives: &str) -> io::Result<Self> {
        Self::launch(upstreams, "proto h2", bind, directives).await
    }

    async fn launch(
        upstreams: &[SocketAddr],
        server: &str,
        bind: &str,
        directives: &str,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let [address, status] = [free_port()?, free_port()?].map(|port| (Ipv4Addr::LOCALHOST, port).into());
        let mut servers = String::new();
        for (number, address) in (1..).zip(upstreams) {
            let _ = writeln!(servers, "    server s{number} {address} {server}");
        }
        let configuration = format!(
            "global\n    nbthread 1\n    stats socket {socket} mode 600 level admin expose-fd listeners\n\
             defaults\n    mode http\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n\
             frontend status\n    bind {status}\n    stats enable\n    stats uri /\n\
             frontend gateway\n    bind {address} {bind}\n    {directives}\n    default_backend services\n\
             backend services\n    balance roundrobin\n    default-server pool-purge-delay 2s\n{servers}",
            socket = socket(folder.path()).display(),
        );
        fs::write(folder.path().join("haproxy.cfg"), configuration)?;
        let program = Program::start("haproxy", &["-db", "-f", "haproxy.cfg"], folder.path(), status).await?;
        let mut haproxy = Self { address, status, counted: Arrivals::default(), program, folder };
        haproxy.arrivals().await?;
        Ok(haproxy)
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
    /// If haproxy does not respond.
    pub async fn arrivals(&mut self) -> io::Result<Arrivals> {
        let error = |why: String| self.program.error(&why);
        let table = page(&format!("http://{}/;csv", self.status)).await.map_err(error)?;
        let mut lines =
            table.trim_start_matches("# ").lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap_or_default();
        let gateway = lines.find(|line| line.starts_with(&["gateway", "FRONTEND"])).unwrap_or_default();
        let number = |name: &str| {
            let column = names.iter().position(|of| *of == name);
            let value = column.and_then(|column| gateway.get(column)?.parse().ok());
            value.ok_or_else(|| error(format!("has no {name} in its status:\n{table}")))
        };
        let total = Arrivals { connections: Some(number("conn_tot")?), requests: number("req_tot")? };
        let since = total.since(self.counted);
        self.counted = total;
        Ok(since)
    }

    /// Replaces the process by a new one, which takes over the sockets. The old one responds to requests that it has
    /// received, closes its connections, and ends.
    ///
    /// # Errors
    ///
    /// If the new one does not start, or the old one does not end within 30 seconds.
    pub async fn reload(&mut self) -> io::Result<()> {
        let old = self.program.id().to_string();
        let socket = socket(self.folder.path()).display().to_string();
        let arguments = ["-db", "-f", "haproxy.cfg", "-x", &socket, "-sf", &old];
        let new = Program::start("haproxy", &arguments, self.folder.path(), self.status).await?;
        std::mem::replace(&mut self.program, new).wait().await?;
        self.counted = Arrivals::default();
        Ok(())
    }

    /// Waits until none of the requests that were sent to a server, such as `s1`, is without its response.
    ///
    /// # Errors
    ///
    /// If haproxy does not respond, or if a request has no response after 30 seconds.
    pub async fn wait_until_idle(&self, server: &str) -> io::Result<()> {
        let deadline = Instant::now() + END;
        loop {
            let table = page(&format!("http://{}/;csv", self.status))
                .await
                .map_err(|why| self.program.error(&why))?;
            // The second and the fifth column: the name of the server, and its current sessions.
            let is_idle = |line: &str| {
                let columns: Vec<_> = line.split(',').collect();
                columns.get(1) == Some(&server) && columns.get(4) == Some(&"0")
            };
            if table.lines().any(is_idle) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.program.error(&format!("still waits for responses of {server}")));
            }
            tokio::task::yield_now().await;
        }
    }

    /// Sends a command to the runtime API, and returns the response.
    ///
    /// # Errors
    ///
    /// If haproxy does not respond.
    pub async fn command(&self, command: &str) -> io::Result<String> {
        let mut stream = UnixStream::connect(socket(self.folder.path())).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok(response)
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("admin.sock")
}
