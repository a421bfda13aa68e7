//! squid as a proxy.

use crate::Arrivals;
use crate::nginx::page;
use crate::port::free_port;
use crate::program::{Program, run};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

/// squid as a proxy with a password, to hosts with the name [`HOST`](Self::HOST) on this machine. It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Squid {
    address: SocketAddr,
    counted: u64,
    program: Program,
    _folder: TempDir,
}

impl Squid {
    /// The only host that the proxy connects to: 127.0.0.1, by a name that only the proxy resolves.
    pub const HOST: &str = "staging.example";
    /// The user of the proxy.
    pub const USER: &str = "ann";
    /// The password of the user.
    pub const PASSWORD: &str = "proxy-password";

    /// Starts squid.
    ///
    /// # Errors
    ///
    /// If squid does not start, with its log.
    pub async fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        // squid does not run as root, and writes here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let port = free_port()?;
        let address: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("hosts"), format!("127.0.0.1 {}\n", Self::HOST))?;
        let hash = "openssl passwd -apr1 -stdin";
        let script = format!("echo {}:$(echo {} | {hash}) >passwords", Self::USER, Self::PASSWORD);
        run("sh", &["-c", &script], folder.path()).await?;
        let basic = ["/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth"];
        let basic = basic.iter().find(|path| fs::exists(path).unwrap_or(false)).unwrap_or(&basic[0]);
        let configuration = format!(
            "http_port {address}\n\
             visible_hostname proxy\n\
             pid_filename {pid}\n\
             cache_log {log}\n\
             access_log none\n\
             cache deny all\n\
             coredump_dir {folder}\n\
             hosts_file {hosts}\n\
             pinger_enable off\n\
             shutdown_lifetime 0 seconds\n\
             auth_param basic program {basic} {passwords}\n\
             auth_param basic children 1 startup=1\n\
             acl known proxy_auth REQUIRED\n\
             acl staging dstdomain {host}\n\
             http_access allow localhost manager\n\
             http_access deny !staging\n\
             http_access allow known\n\
             http_access deny all\n",
            pid = path("squid.pid"),
            log = path("cache.log"),
            folder = folder.path().display(),
            hosts = path("hosts"),
            passwords = path("passwords"),
            host = Self::HOST,
        );
        fs::write(path("squid.conf"), configuration)?;
        let arguments = ["-N", "-f", &path("squid.conf")];
        let program = Program::start("squid", &arguments, folder.path(), address).await?;
        let mut squid = Self { address, counted: 0, program, _folder: folder };
        squid.arrivals().await?;
        Ok(squid)
    }

    /// Returns the address of the proxy.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of the proxy, with user and password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}@{}", Self::USER, Self::PASSWORD, self.address)
    }

    /// Returns the requests that have arrived since the start or the last call. Connections are not counted.
    ///
    /// # Errors
    ///
    /// If squid does not respond.
    pub async fn arrivals(&mut self) -> io::Result<Arrivals> {
        let url = format!("http://{}/squid-internal-mgr/counters", self.address);
        let counters = page(&url).await.map_err(|why| self.program.error(&why))?;
        let requests = counters.lines().find_map(|line| line.strip_prefix("client_http.requests = "));
        let requests: u64 = requests
            .and_then(|number| number.trim().parse().ok())
            .ok_or_else(|| self.program.error(&format!("has unexpected counters:\n{counters}")))?;
        let since = requests.saturating_sub(self.counted + 1);
        self.counted = requests;
        Ok(Arrivals { connections: None, requests: since })
    }
}
