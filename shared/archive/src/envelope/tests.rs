use super::*;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};

const NAME: &str =
    "acme.myshopify.com/2026/01/03/promotional-offer/c4809f9b199959867b344883a5f958d0/document.pdf";

fn secret(byte: u8) -> CommitmentSecret {
    CommitmentSecret::from_bytes(&[byte; 32]).unwrap()
}

/// Segments of eight bytes, so that a short text has several.
fn small(content: &[u8]) -> Vec<u8> {
    let header = Header { key_id: secret(7).key_id(), segment: 8, salt: [9; 32] };
    seal_with(&secret(7), NAME, content, header).unwrap().to_vec()
}

/// Made with Python's `hmac` and `cryptography`. Whoever writes another reader compares it with these.
#[test]
fn the_format_is_fixed() {
    let header =
        format!("8953584b0d0a1a0a01000000000000084527c0f20a01fd65422a8d2d7a4253db{}", "09".repeat(32));
    let vectors = [
        (
            &b"Dear Ms Doe"[..],
            "959f87373f855fe5c8e3b9b2727fb4160a2311e4f1be47a64fafa4a9d72433483be804899ab095815e6246",
        ),
        (b"", "1044412bcb5707860db25a9b50fbb940"),
    ];
    assert_eq!(hex::encode(secret(7).key_id().0), "4527c0f20a01fd65422a8d2d7a4253db");
    for (content, segments) in vectors {
        assert_eq!(hex::encode(small(content)), format!("{header}{segments}"));
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let sealed = small(b"Dear Ms Doe, here is your offer.");
    assert_eq!(open(&secret(7), NAME, &sealed).unwrap(), &b"Dear Ms Doe, here is your offer."[..]);
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            assert!(open(&secret(7), NAME, &changed).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_length_but_the_whole_is_refused() {
    // the last segment is full: then it is its mark alone that tells the end
    for content in [&b"0123456789abcdef"[..], b"0123456789"] {
        let sealed = small(content);
        for length in 0..sealed.len() {
            assert!(open(&secret(7), NAME, &sealed[..length]).is_err(), "{length} bytes");
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert!(open(&secret(7), NAME, &longer).is_err());
        let again = [&sealed[..], &sealed[HEADER_BYTES..]].concat();
        assert!(open(&secret(7), NAME, &again).is_err());
    }
}

#[test]
fn segments_in_another_order_are_refused() {
    let sealed = small(b"0123456789abcdef01234567");
    let (header, body) = sealed.split_at(HEADER_BYTES);
    let segments: Vec<_> = body.chunks(8 + TAG_BYTES).collect();
    let orders: [&[usize]; 7] =
        [&[1, 0, 2], &[0, 2, 1], &[2, 1, 0], &[0, 2], &[1, 2], &[0, 1, 1], &[0, 0, 1, 2]];
    for order in orders {
        let other: Vec<u8> =
            header.iter().copied().chain(order.iter().flat_map(|at| segments[*at].to_vec())).collect();
        assert_eq!(open(&secret(7), NAME, &other), Err(EnvelopeError::Refused), "{order:?}");
    }
}

#[test]
fn another_name_and_another_secret_open_nothing() {
    let sealed = small(b"Dear Ms Doe");
    assert_eq!(open(&secret(7), "elsewhere", &sealed), Err(EnvelopeError::Refused));
    assert_eq!(open(&secret(8), NAME, &sealed), Err(EnvelopeError::Refused));
}

#[test]
fn the_same_content_is_never_the_same_object() {
    let seal = || seal(&secret(7), NAME, b"x").unwrap();
    assert_ne!(seal(), seal());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_content_comes_back_and_any_range_of_it(
        content in prop::collection::vec(any::<u8>(), 0..100), from in 0..100_usize, length in 1..100_usize,
    ) {
        let sealed = small(&content);
        let header = Header::of(&sealed).unwrap();
        prop_assert_eq!(header.content_length(sealed.len() as u64), Some(content.len() as u64));
        prop_assert_eq!(&open(&secret(7), NAME, &sealed).unwrap()[..], &content[..]);
        if from < content.len() {
            let end = (from + length).min(content.len());
            let range = from as u64..end as u64;
            let read = |range: Range<u64>| sealed.get(range.start as usize..range.end as usize);
            let opened = open_range(&secret(7), NAME, header, sealed.len() as u64, range, read);
            prop_assert_eq!(&opened.unwrap()[..], &content[from..end]);
        }
    }
}

#[test]
fn large_content_takes_several_segments() {
    let content = vec![b'x'; 3 * SEGMENT_BYTES as usize + 1];
    let sealed = seal(&secret(7), NAME, &content).unwrap();
    assert_eq!(sealed.len(), content.len() + HEADER_BYTES + 4 * TAG_BYTES);
    assert_eq!(open(&secret(7), NAME, &sealed).unwrap(), content);
}
