//! A filter that the kernel runs: only sockets with one of our ports come back from a dump. Pure.
//!
//! Without it a look at a machine with 10,000 connections copies 4 MB to find the two that we watch. The filter is
//! a program for a tiny machine in the kernel: each instruction compares one port with one number and jumps
//! forward. Jumping exactly to the end means yes, four bytes beyond means no. Read before: `diag.rs`.
//! Source: `net/ipv4/inet_diag.c`, `inet_diag_bc_run` and `inet_diag_bc_audit`.

/// One instruction, and the operand that follows a comparison in the same shape.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// |  code         |  jump if true |  jump if false                |
/// +---------------+---------------+-------------------------------+
/// |  0            |  0            |  the port to compare with     |
/// +---------------+---------------+-------------------------------+
/// ```
/// All in the machine's byte order; jumps are counted in bytes from the instruction's own beginning.
const INSTRUCTION_LEN: usize = 4;
/// An instruction with its operand.
const COMPARISON_LEN: usize = 2 * INSTRUCTION_LEN;
/// What one port on one side takes: at least, at most, and the jump to the end.
const TEST_LEN: usize = 2 * COMPARISON_LEN + INSTRUCTION_LEN;

/// How many ports a filter may name: jumps have 16 bits, and nobody watches so many.
pub const PORTS_MAX: usize = 256;

// The comparisons for equality came with Linux 5.12; at least and at most together say the same everywhere.
const JUMP: u8 = 1;
const LOCAL_AT_LEAST: u8 = 2;
const LOCAL_AT_MOST: u8 = 3;
const PEER_AT_LEAST: u8 = 4;
const PEER_AT_MOST: u8 = 5;

/// The program that lets through every socket with one of `ports` at either end.
///
/// No ports, or more than [`PORTS_MAX`], give an empty program, which lets everything through.
#[must_use]
pub fn either_port(ports: &[u16]) -> Vec<u8> {
    if ports.len() > PORTS_MAX {
        return Vec::new();
    }
    let tests: Vec<_> = ports
        .iter()
        .flat_map(|port| [(LOCAL_AT_LEAST, LOCAL_AT_MOST, *port), (PEER_AT_LEAST, PEER_AT_MOST, *port)])
        .collect();
    let len = tests.len() * TEST_LEN;
    let mut program = Vec::with_capacity(len);
    for (at_least, at_most, port) in tests {
        // To the next test; behind the last one that is the end, and four bytes more mean no.
        let test_end = program.len() + TEST_LEN;
        let next = if test_end == len { test_end + INSTRUCTION_LEN } else { test_end };
        for code in [at_least, at_most] {
            let no = next - program.len();
            instruction(&mut program, code, COMPARISON_LEN, no);
            instruction(&mut program, 0, 0, usize::from(port));
        }
        let end = len - program.len();
        instruction(&mut program, JUMP, INSTRUCTION_LEN, end);
    }
    program
}

fn instruction(program: &mut Vec<u8>, code: u8, yes: usize, no: usize) {
    program.push(code);
    program.push(u8::try_from(yes).expect("we jump over one instruction at most"));
    program.extend(u16::try_from(no).expect("PORTS_MAX keeps jumps below 64 KiB").to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does with a program, in miniature.
    fn lets_through(program: &[u8], local: u16, peer: u16) -> bool {
        let mut left = i64::try_from(program.len()).unwrap();
        while left > 0 {
            let at = program.len() - usize::try_from(left).unwrap();
            let (code, yes) = (program[at], i64::from(program[at + 1]));
            let no = i64::from(u16::from_ne_bytes([program[at + 2], program[at + 3]]));
            let operand = |program: &[u8]| u16::from_ne_bytes([program[at + 6], program[at + 7]]);
            let holds = match code {
                JUMP => false,
                LOCAL_AT_LEAST => local >= operand(program),
                LOCAL_AT_MOST => local <= operand(program),
                PEER_AT_LEAST => peer >= operand(program),
                PEER_AT_MOST => peer <= operand(program),
                _ => panic!("instruction {code}"),
            };
            left -= if holds { yes } else { no };
        }
        left == 0
    }

    #[test]
    fn only_the_watched_ports_come_through_at_either_end() {
        let program = either_port(&[7777, 80]);
        for (local, peer, want) in [
            (7777, 50000, true),
            (50000, 7777, true),
            (80, 1, true),
            (1, 80, true),
            (7776, 7778, false),
            (79, 81, false),
            (0, 0, false),
            (u16::MAX, u16::MAX, false),
        ] {
            assert_eq!(lets_through(&program, local, peer), want, "{local} {peer}");
        }
    }

    #[test]
    fn a_filter_without_ports_lets_everything_through() {
        assert!(lets_through(&either_port(&[]), 1, 2));
    }

    #[test]
    fn the_last_of_the_most_ports_still_comes_through() {
        let ports: Vec<u16> = (1..=256).collect();
        let program = either_port(&ports);
        assert!(lets_through(&program, 9, 256) && !lets_through(&program, 257, 257));
        assert!(either_port(&(1..=257).collect::<Vec<u16>>()).is_empty());
    }
}
