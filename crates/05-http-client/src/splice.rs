//! Content that nobody has to look at: from the socket into the file, inside the kernel.
//!
//! ```text
//!   socket ──read──▶ our buffer ──write──▶ file        every byte is copied twice
//!   socket ══splice══▶ pipe ══splice══▶ file           pages change hands, and we never see a byte
//! ```
//! One end of a splice must be a pipe, so one lies between. Only what has a known length, no coding, and no TLS
//! around it can go this way. Linux only; elsewhere, and while calls are narrated, all content is read and
//! written. Read `client.rs` before. Source: splice(2), pipe(7).

#[cfg(target_os = "linux")]
pub use self::linux::Pipe;
#[cfg(not(target_os = "linux"))]
pub use self::nowhere::Pipe;

/// So long must content be: a pipe costs five system calls, and what is shorter comes in a few reads.
pub const CONTENT_MIN: u64 = 1024 * 1024;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, PipeReader, PipeWriter, Read};

    use netcommon::narrate;
    use netcommon::net::TcpStream;
    use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};

    /// How much a pipe holds. An unprivileged user has 64 MiB for all pipes (`pipe-user-pages-soft`).
    const PIPE_BYTES: usize = 512 * 1024;

    /// A pipe that is empty between two uses.
    #[derive(Debug)]
    pub struct Pipe {
        reader: PipeReader,
        writer: PipeWriter,
    }

    impl Pipe {
        /// `pipe2(2)`; `None` when there is none to have, and when every call is to be explained.
        #[must_use]
        pub fn new() -> Option<Self> {
            let (reader, writer) = if narrate::is_on() { None } else { io::pipe().ok() }?;
            // With less the bytes go in smaller pieces.
            let _ = fcntl_setpipe_size(&writer, PIPE_BYTES);
            Some(Self { reader, writer })
        }

        // ANCHOR: pipe
        /// Takes at most `len` bytes that have come, `splice(2)`; 0 at the end of stream.
        ///
        /// Blocks as a read does, and the socket's `SO_RCVTIMEO` ends it. The pipe must be empty.
        ///
        /// # Errors
        /// Those of a read.
        pub fn fill(&self, from: &TcpStream, len: u64) -> io::Result<usize> {
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(PIPE_BYTES);
            Ok(splice(from.as_std(), None, &self.writer, None, len, SpliceFlags::MOVE)?)
        }

        /// Hands all of the `len` bytes in it to a file: `splice(2)`, which is what std's copy from a pipe calls. It
        /// reads and writes where the file cannot do that: a terminal, or one that is appended to.
        ///
        /// # Errors
        /// Most often no space left on the disk. The pipe may not be empty then.
        pub fn empty_into(&self, mut file: &File, len: usize) -> io::Result<()> {
            let moved = io::copy(&mut (&self.reader).take(len as u64), &mut file)?;
            if moved < len as u64 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
        }
        // ANCHOR_END: pipe
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::convert::Infallible;
    use std::fs::File;
    use std::io;

    use netcommon::net::TcpStream;

    /// There is none.
    #[derive(Debug)]
    pub struct Pipe(Infallible);

    impl Pipe {
        /// None here.
        #[must_use]
        pub fn new() -> Option<Self> {
            None
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn fill(&self, _: &TcpStream, _: u64) -> io::Result<usize> {
            match self.0 {}
        }

        /// Never called.
        ///
        /// # Errors
        /// None.
        pub fn empty_into(&self, _: &File, _: usize) -> io::Result<()> {
            match self.0 {}
        }
    }
}
