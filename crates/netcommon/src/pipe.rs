//! Bytes that only pass through: from a socket to another or into a file, inside the kernel.
//!
//! ```text
//!   socket ──read──▶ our buffer ──write──▶ socket, file        every byte is copied twice
//!   socket ══splice══▶ pipe ══splice══▶ socket, file           pages change hands, and we never see a byte
//! ```
//! One end of a splice must be a pipe, so one lies between. Linux only; elsewhere, and while calls are narrated,
//! there is none to have, and whoever wants one reads and writes. Source: splice(2), pipe(7).

#[cfg(target_os = "linux")]
pub use self::linux::Pipe;
#[cfg(not(target_os = "linux"))]
pub use self::nowhere::Pipe;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, PipeReader, PipeWriter, Read};

    use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, splice};

    use crate::narrate;
    use crate::net::TcpStream;

    /// A pipe that is empty between two uses; takes two descriptors.
    #[derive(Debug)]
    pub struct Pipe {
        inlet: PipeWriter,
        outlet: PipeReader,
        room: usize,
    }

    impl Pipe {
        /// An empty pipe with room for `room` bytes, a multiple of 64 KiB: `pipe2(2)`, `F_SETPIPE_SZ`.
        ///
        /// `None` when there is none to have, and when every call is to be explained. An unprivileged user has
        /// 64 MiB for all pipes together (`pipe-user-pages-soft`); with less room the bytes go in smaller pieces.
        ///
        /// # Examples
        /// ```
        /// use netcommon::{net::{TcpListener, TcpStream}, pipe::Pipe};
        /// use std::io::Write;
        ///
        /// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
        /// let mut client = TcpStream::connect(listener.local_addr()?)?;
        /// let (server, _) = listener.accept()?;
        /// client.write_all("你好".as_bytes())?;
        /// if let Some(pipe) = Pipe::new(64 * 1024) {
        ///     let len = pipe.fill(&server, 1024)?;
        ///     assert_eq!((len, pipe.empty_into(&server, len)?), (6, 6)); // An echo that never saw a byte.
        /// }
        /// # Ok::<(), std::io::Error>(())
        /// ```
        #[must_use]
        pub fn new(room: usize) -> Option<Self> {
            let (outlet, inlet) = if narrate::is_on() { None } else { io::pipe().ok() }?;
            let _ = fcntl_setpipe_size(&inlet, room);
            Some(Self { inlet, outlet, room })
        }

        // ANCHOR: splice
        /// Takes at most `len` bytes that have come: `splice(2)`; 0 at the end of stream.
        ///
        /// Blocks as a read of the socket does, and what ends that ends this. The pipe must be empty.
        ///
        /// # Errors
        /// Those of a read.
        pub fn fill(&self, from: &TcpStream, len: usize) -> io::Result<usize> {
            Ok(splice(from.as_std(), None, &self.inlet, None, len.min(self.room), SpliceFlags::MOVE)?)
        }

        /// Hands all of the `len` bytes in it to a file: `splice(2)`, which is what std's copy from a pipe calls.
        ///
        /// It reads and writes where the file cannot do that: a terminal, or one that is appended to. Blocks as a write
        /// does, for instance while the reader of a pipe is slow.
        ///
        /// # Errors
        /// Most often no space left on the disk. The pipe may not be empty then.
        pub fn save_into(&self, mut file: &File, len: usize) -> io::Result<()> {
            let moved = io::copy(&mut (&self.outlet).take(len as u64), &mut file)?;
            if moved < len as u64 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
        }
        // ANCHOR_END: splice

        /// Hands at most `len` of the bytes in it to a socket: `splice(2)`. Does not block.
        ///
        /// # Errors
        /// Those of a write; `WouldBlock` when the socket has no room.
        pub fn empty_into(&self, to: &TcpStream, len: usize) -> io::Result<usize> {
            Ok(splice(&self.outlet, None, to.as_std(), None, len, SpliceFlags::MOVE | SpliceFlags::NONBLOCK)?)
        }

        /// Reads what is in it after all: `read(2)`. Blocks when it is empty, for ever.
        ///
        /// # Errors
        /// None that are known.
        pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            (&self.outlet).read(buffer)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::convert::Infallible;
    use std::fs::File;
    use std::io;

    use crate::net::TcpStream;

    /// There is none, so nothing of it is ever called.
    #[derive(Debug)]
    pub struct Pipe(Infallible);

    impl Pipe {
        /// None.
        #[must_use]
        pub fn new(_: usize) -> Option<Self> {
            None
        }

        /// Takes bytes that have come.
        ///
        /// # Errors
        /// None.
        pub fn fill(&self, _: &TcpStream, _: usize) -> io::Result<usize> {
            match self.0 {}
        }

        /// Hands bytes to a socket.
        ///
        /// # Errors
        /// None.
        pub fn empty_into(&self, _: &TcpStream, _: usize) -> io::Result<usize> {
            match self.0 {}
        }

        /// Hands bytes to a file.
        ///
        /// # Errors
        /// None.
        pub fn save_into(&self, _: &File, _: usize) -> io::Result<()> {
            match self.0 {}
        }

        /// Reads what is in it.
        ///
        /// # Errors
        /// None.
        pub fn read(&self, _: &mut [u8]) -> io::Result<usize> {
            match self.0 {}
        }
    }
}
