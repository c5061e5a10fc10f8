//! Linux: bytes from one socket to another that never come into this program, `splice(2)`.
//!
//! A pipe stands between the two sockets, because splice moves bytes only into or out of one. Inside the kernel
//! nothing is copied on the way in: the pipe holds references to the pages of the receive queue. Elsewhere, and with
//! `--narrate`, there are no pipes and every byte is copied. Read `lane.rs` before. Source: splice(2), pipe(7).

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Pipe, Pipes};
#[cfg(not(target_os = "linux"))]
pub(super) use self::nowhere::{Pipe, Pipes};

/// Pipes at most, two descriptors each: so many lanes carry much at the same moment; the others copy.
pub(super) const PIPES_MAX: usize = if cfg!(target_os = "linux") { 64 } else { 0 };

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use netcommon::narrate;
    use netcommon::net::TcpStream;
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    use super::PIPES_MAX;

    /// How much a pipe holds. An unprivileged user has 64 MiB for all pipes (`pipe-user-pages-soft`).
    const PIPE_LEN: usize = 512 * 1024;

    /// A pipe that is empty between two uses.
    #[derive(Debug)]
    pub(in crate::proxy) struct Pipe {
        reader: OwnedFd,
        writer: OwnedFd,
    }

    impl Pipe {
        fn new() -> io::Result<Self> {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            // With less the bytes go in smaller pieces.
            let _ = fcntl_setpipe_size(&writer, PIPE_LEN);
            Ok(Self { reader, writer })
        }

        /// Takes what the sender has sent; 0 at the end of stream. The pipe must be empty.
        pub(in crate::proxy) fn fill(&self, from: &TcpStream) -> io::Result<usize> {
            Ok(splice(from.as_std().as_fd(), None, &self.writer, None, PIPE_LEN, flags())?)
        }

        /// Hands at most `len` bytes to the receiver.
        pub(in crate::proxy) fn empty_into(&self, to: &TcpStream, len: usize) -> io::Result<usize> {
            Ok(splice(&self.reader, None, to.as_std().as_fd(), None, len, flags())?)
        }
    }

    fn flags() -> SpliceFlags {
        SpliceFlags::MOVE | SpliceFlags::NONBLOCK
    }

    /// Empty pipes, and how many there are in all.
    #[derive(Debug, Default)]
    pub(in crate::proxy) struct Pipes {
        empty: Vec<Pipe>,
        made: usize,
    }

    impl Pipes {
        /// An empty pipe; `None` when there is none to have, and when every call is to be explained.
        pub(in crate::proxy) fn take(&mut self) -> Option<Pipe> {
            if narrate::is_on() {
                return None;
            }
            self.empty.pop().or_else(|| {
                let pipe = (self.made < PIPES_MAX).then(Pipe::new)?.ok()?;
                self.made += 1;
                Some(pipe)
            })
        }

        /// For the next lane.
        pub(in crate::proxy) fn give_back(&mut self, pipe: Pipe) {
            self.empty.push(pipe);
        }

        /// A pipe was closed together with what was in it.
        pub(in crate::proxy) fn lost_one(&mut self) {
            self.made = self.made.saturating_sub(1);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::convert::Infallible;
    use std::io;

    use netcommon::net::TcpStream;

    /// There is none.
    #[derive(Debug)]
    pub(in crate::proxy) struct Pipe(Infallible);

    impl Pipe {
        pub(in crate::proxy) fn fill(&self, _: &TcpStream) -> io::Result<usize> {
            match self.0 {}
        }

        pub(in crate::proxy) fn empty_into(&self, _: &TcpStream, _: usize) -> io::Result<usize> {
            match self.0 {}
        }
    }

    /// There are none.
    #[derive(Debug, Default)]
    pub(in crate::proxy) struct Pipes;

    impl Pipes {
        pub(in crate::proxy) fn take(&mut self) -> Option<Pipe> {
            None
        }

        pub(in crate::proxy) fn give_back(&mut self, pipe: Pipe) {
            match pipe.0 {}
        }

        pub(in crate::proxy) fn lost_one(&mut self) {}
    }
}
