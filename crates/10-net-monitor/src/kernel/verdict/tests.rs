//! Tests of `verdict.rs`: how the figures of the ends become an ending. What becomes of the bytes is in
//! `tracker_tests.rs`, with the ends as they come.

use super::*;

fn end(acked_beyond_payload: u64, unread: u32) -> End {
    let info = TcpInfo {
        bytes_sent: Some(10),
        bytes_retransmitted: Some(0),
        bytes_acked: Some(10 + acked_beyond_payload),
        bytes_received: Some(5),
        ..TcpInfo::default()
    };
    End { info, died: Some(Moment::from_micros(1)), unread, ..End::default() }
}

#[test]
fn the_ending_follows_from_whose_fin_was_acked_and_who_left_bytes_unread() {
    let (acked, reset) = ([2, 1], [1, 0]);
    for (client, server, want) in [
        (Some(end(acked[0], 0)), Some(end(acked[1], 0)), How::Orderly),
        (Some(end(reset[0], 0)), Some(end(reset[1], 9)), How::ResetByServer),
        (Some(end(reset[0], 9)), Some(end(reset[1], 0)), How::ResetByClient),
        (Some(end(reset[0], 9)), Some(end(reset[1], 9)), How::Reset),
        (Some(end(acked[0], 0)), Some(end(reset[1], 0)), How::ResetByClient),
        (Some(end(reset[0], 0)), Some(end(acked[1], 0)), How::ResetByServer),
        (None, Some(end(acked[1], 0)), How::Orderly),
        (None, Some(end(reset[1], 0)), How::ResetByClient),
        (None, Some(end(reset[1], 3)), How::Reset),
        (Some(end(reset[0], 0)), None, How::ResetByServer),
        (None, None, How::Unknown),
    ] {
        assert_eq!(how(&[client.clone(), server.clone()]), want, "{client:#?} {server:#?}");
    }
}

#[test]
fn an_end_that_gave_up_sending_again_has_timed_out() {
    let mut server = end(0, 0);
    server.info.retransmits = 15;
    assert_eq!(how(&[None, Some(server)]), How::TimedOut);
}

#[test]
fn a_kernel_that_counts_only_acked_bytes_leaves_a_fin_in_doubt() {
    let mut client = end(2, 0);
    client.info.bytes_sent = None;
    let counts = counts(&[Some(client), None]);
    assert_eq!((counts.bytes[0], counts.marks[0]), (11, Mark::PlusMinusOne));
}
