//! The exhausted resources of this machine, by the codes of its operating system.

use std::fmt;
use std::io;

/// An exhausted resource of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalLimit {
    Ports,
    ProcessFiles,
    SystemFiles,
    Buffers,
    Memory,
}

impl LocalLimit {
    /// Returns the resource that `error` is about, or `None` if it has another cause.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        let code = os_code(error)?;
        CODES.iter().find(|(known, _)| *known == code).map(|(_, limit)| *limit)
    }
}

/// Returns the code of the operating system, also that of an error which is wrapped in another one.
pub(crate) fn os_code(error: &io::Error) -> Option<i32> {
    let wrapped = || error.get_ref()?.downcast_ref().and_then(os_code);
    error.raw_os_error().or_else(wrapped)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const CODES: &[(i32, LocalLimit)] = &[
    (12, LocalLimit::Memory),       // ENOMEM
    (23, LocalLimit::SystemFiles),  // ENFILE
    (24, LocalLimit::ProcessFiles), // EMFILE
    (98, LocalLimit::Ports),        // EADDRINUSE, of a socket that is bound before it connects
    (99, LocalLimit::Ports),        // EADDRNOTAVAIL
    (105, LocalLimit::Buffers),     // ENOBUFS
];

#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "openbsd", target_os = "netbsd"))]
const CODES: &[(i32, LocalLimit)] = &[
    (12, LocalLimit::Memory),       // ENOMEM
    (23, LocalLimit::SystemFiles),  // ENFILE
    (24, LocalLimit::ProcessFiles), // EMFILE
    (48, LocalLimit::Ports),        // EADDRINUSE, of a socket that is bound before it connects
    (49, LocalLimit::Ports),        // EADDRNOTAVAIL
    (55, LocalLimit::Buffers),      // ENOBUFS
];

#[cfg(windows)]
const CODES: &[(i32, LocalLimit)] = &[
    (8, LocalLimit::Memory),           // ERROR_NOT_ENOUGH_MEMORY
    (10024, LocalLimit::ProcessFiles), // WSAEMFILE
    (10048, LocalLimit::Ports),        // WSAEADDRINUSE
    (10049, LocalLimit::Ports),        // WSAEADDRNOTAVAIL
    (10055, LocalLimit::Buffers),      // WSAENOBUFS
];

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    windows
)))]
const CODES: &[(i32, LocalLimit)] = &[];

/// The resource and the remedy, as the end of a message.
impl fmt::Display for LocalLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ports => {
                "this machine has no free port or no address for the connection: keep connections open, use fewer, or \
                 widen `net.ipv4.ip_local_port_range`; for an IPv6 address, check that IPv6 is on"
            }
            Self::ProcessFiles => {
                "this process has too many open files: raise `ulimit -n`, or limit the concurrent calls"
            }
            Self::SystemFiles => "this machine has too many open files: raise `fs.file-max`, or close other programs",
            Self::Buffers => "this machine has no free buffers for the network: use fewer connections",
            Self::Memory => "this machine has no free memory: use fewer connections, or close other programs",
        })
    }
}
