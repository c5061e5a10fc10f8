//! How a connection ends before its time: a reset from either side, a target that is not there, no room.
//!
//! A reset passes through like an end of stream, behind what its sender had sent before. Read `connection.rs` before.
//! Source: RFC 9293 section 3.10.7.4 (what a reset does to a receiver).

use super::*;

impl Relay {
    /// The sender of `direction` has reset its stream. What it had sent before still arrives, and the reset after it.
    pub(in crate::tcp) fn was_reset(&mut self, id: u64, direction: Direction) -> Result<(), OpError> {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.reset_by.get_or_insert(direction);
        connection.lanes[receiver(direction)].pipe.close();
        let lane = &mut connection.lanes[direction.index()];
        let sender = connection.senders[direction.index()].take().and_then(|key| self.sockets.remove(key));
        if let Some(mut sender) = sender.as_ref().and_then(|(socket, _)| stream(socket)) {
            // It may have been a write that found out. The kernel has no more than its own buffer.
            while let Ok(len @ 1..) = sender.read(&mut self.buffer) {
                lane.pipe.push(now, &self.buffer[..len]);
            }
        }
        lane.reading = false;
        lane.pipe.push_reset(now);
        if lane.pipe.is_over() || lane.pipe.is_stuck(now) || self.config.ignore {
            return self.abort(id, reset_by(direction));
        }
        Ok(())
    }

    pub(super) fn target_is_gone(&mut self, id: u64, error: &io::Error) -> Result<(), OpError> {
        if after_error(error) == AfterError::WaitForRoom {
            // In this order: the end of a connection has the next client accepted, who would fare no better.
            self.abort(id, "no room for the connection to the target")?;
            self.pause_accepting(Some(error));
            return Ok(());
        }
        if self.try_next_address(id) {
            return Ok(());
        }
        if !self.target_gone {
            self.target_gone = true;
            self.voice.say(&Event::TargetGone { target: self.target, cause: error.to_string() });
        }
        // The client has been accepted already: a reset is the nearest to being refused.
        self.abort(id, "the target is not there")
    }

    /// Begins to connect to the target's next address; whether there is one.
    fn try_next_address(&mut self, id: u64) -> bool {
        while let Some(connection) = self.connections.get_mut(&id)
            && let Some(addr) = connection.untried.pop()
        {
            if let Some(key) = connection.senders[Direction::Down.index()].take() {
                self.sockets.remove(key);
            }
            let begun = TcpStream::unconnected(addr).and_then(|target| {
                target.try_connect(addr)?;
                self.watch(target, id, Direction::Down, Interest::Writable)
            });
            if begun.is_ok() {
                let now = self.now();
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.attempted = now;
                }
                self.set_alarm(id, Some(now + CONNECT_MAX));
                return true;
            }
        }
        false
    }

    /// Ends a connection with a reset for both sides.
    pub(in crate::tcp) fn abort(&mut self, id: u64, how: &str) -> Result<(), OpError> {
        let keys = self.connections.get(&id).map(|connection| connection.senders).unwrap_or_default();
        for (socket, _) in keys.into_iter().flatten().filter_map(|key| self.sockets.get(key)) {
            if let Some(stream) = stream(socket) {
                // Then close(2) sends an RST in place of a FIN.
                let _ = stream.set_linger(Some(Duration::ZERO));
            }
        }
        self.end(id, how)
    }

    /// Ends a connection: both sockets are closed, and there may be a place for the next client.
    pub(super) fn end(&mut self, id: u64, how: &str) -> Result<(), OpError> {
        self.set_alarm(id, None);
        let Some(connection) = self.connections.remove(&id) else { return Ok(()) };
        for key in connection.senders.into_iter().flatten() {
            self.sockets.remove(key);
        }
        let [bytes_up, bytes_down] = connection.lanes.map(|lane| lane.pipe.left());
        self.voice.say(&Event::Ended { flow: id, bytes_up, bytes_down, how: how.to_owned() });
        if self.connections.len() < self.config.connections_max {
            self.watch_listener();
        }
        Ok(())
    }
}

/// How a connection ended whose sender in this direction has reset its stream.
pub(super) fn reset_by(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "reset by the client",
        Direction::Down => "reset by the target",
    }
}
