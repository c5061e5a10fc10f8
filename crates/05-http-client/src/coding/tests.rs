//! Decoding at every split point, truncation at every byte, and bombs.
//!
//! The coded bytes are made with flate2's own writers. Read `mod.rs` first.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use flate2::{GzBuilder, write::GzEncoder};
use proptest::prelude::*;

use super::*;

const TEXT: &str = "教室裡的網路教室裡的網路教室裡的網路";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bare(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A member with every optional part of the header.
fn full_header(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = GzBuilder::new().filename("檔案").comment("註解").extra(vec![7; 300]);
    let mut encoder = builder.write(&mut bytes, Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap();
    // The check sum of the header, which flate2 does not write: two bytes before the data.
    let header_len = 10 + 2 + 300 + "檔案".len() + 1 + "註解".len() + 1;
    bytes[3] |= 0x02;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[..header_len]);
    let [low, high, ..] = crc.sum().to_le_bytes();
    bytes.splice(header_len..header_len, [low, high]);
    bytes
}

fn decode(coding: &str, pieces: &[&[u8]], limit: Option<u64>) -> Result<Vec<u8>, CodingError> {
    let mut fields = Fields::default();
    fields.push("Content-Encoding", coding);
    let mut decoder = ContentDecoder::new(&fields, limit)?;
    let mut made = Vec::new();
    for piece in pieces {
        decoder.decode::<CodingError>(piece, &mut |bytes| {
            made.extend_from_slice(bytes);
            Ok(())
        })?;
    }
    decoder.finish()?;
    Ok(made)
}

#[test]
fn every_split_decodes_to_the_same_and_every_truncation_is_refused() {
    let members = [gzip(TEXT.as_bytes()), full_header(b""), full_header(TEXT.as_bytes())].concat();
    let twice = TEXT.repeat(2);
    for (coding, coded, want) in [
        ("gzip", gzip(TEXT.as_bytes()), TEXT),
        ("X-GZIP", members, twice.as_str()),
        ("deflate", zlib(TEXT.as_bytes()), TEXT),
        ("deflate", bare(TEXT.as_bytes()), TEXT),
        ("deflate, identity, gzip", gzip(&zlib(TEXT.as_bytes())), TEXT),
    ] {
        for at in 0..=coded.len() {
            let (a, b) = coded.split_at(at);
            assert_eq!(decode(coding, &[a, b], None).as_deref(), Ok(want.as_bytes()), "{coding} split at {at}");
            let cut = decode(coding, &[a], None);
            match cut {
                // Nothing at all is the empty content; and between two members a file may end.
                Ok(made) => assert!(at == 0 || at == coded.len() || want.as_bytes().starts_with(&made) && at > 40),
                Err(error) => assert!(matches!(error, CodingError::Truncated { .. }), "{coding} cut at {at}: {error}"),
            }
        }
        assert!(decode(coding, &[&coded[..coded.len() - 1]], None).is_err());
    }
}

#[test]
fn corrupt_data_are_refused_and_padding_is_not() {
    let good = gzip(TEXT.as_bytes());
    for at in [0, 1, 2, good.len() - 1, good.len() - 5] {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        assert!(matches!(decode("gzip", &[&bad], None), Err(CodingError::Corrupt { .. })), "byte {at}");
    }
    assert!(decode("gzip", &[&good, b"garbage"], None).is_err());
    assert_eq!(decode("gzip", &[&good, &[0; 1000]], None).unwrap(), TEXT.as_bytes());
    assert!(decode("gzip", &[&good, &[0; 3], &good], None).is_err());
    assert!(decode("deflate", &[&zlib(b"a"), b"garbage"], None).is_err());
    assert!(decode("deflate", &[b"\xff\xff\xff"], None).is_err());
    assert_eq!(decode("gzip, gzip, gzip, gzip", &[], None), Err(CodingError::TooMany));
}

#[test]
fn a_bomb_is_refused_and_a_limit_takes_its_place() {
    let bomb = gzip(&vec![0; 100 << 20]);
    assert!(matches!(decode("gzip", &[&bomb], None), Err(CodingError::Bomb { .. })));
    assert_eq!(decode("gzip", &[&bomb], Some(200 << 20)).unwrap().len(), 100 << 20);
    assert_eq!(decode("gzip", &[&bomb], Some(1000)), Err(CodingError::TooLong { limit: 1000 }));
    // A bomb in a bomb: each stage is fed piece by piece, so nothing is ever large.
    assert!(matches!(decode("gzip, gzip", &[&gzip(&bomb)], None), Err(CodingError::Bomb { .. })));
}

proptest! {
    #[test]
    fn what_was_coded_comes_back(text in any::<Vec<u8>>(), cut in 0_usize..200) {
        for (coding, coded) in [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("deflate", bare(&text))] {
            let (a, b) = coded.split_at(cut.min(coded.len()));
            prop_assert_eq!(decode(coding, &[a, b], None), Ok(text.clone()));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
        let _ = (decode("gzip", &[&bytes], None), decode("deflate", &[&bytes], None));
        let headed = [&gzip(b"")[..10], &bytes].concat();
        let _ = decode("gzip", &[&headed], None);
    }
}
