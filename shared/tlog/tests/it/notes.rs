use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use tlog::{Checkpoint, Hash, NoteError, SignedNote, TlogProof, VerifierKey, leaf_hash};

const LOG: &str = "log.example/acme.myshopify.com";

fn key() -> (Ed25519KeyPair, VerifierKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    (pair, VerifierKey::new(LOG.parse().unwrap(), public))
}

fn proof() -> (TlogProof, VerifierKey) {
    let (pair, key) = key();
    let text = Checkpoint { origin: LOG.parse().unwrap(), size: 1000, root: Hash::empty_tree() }.to_string();
    let checkpoint = key.note(text.clone(), pair.sign(text.as_bytes()).as_ref()).unwrap();
    (TlogProof { index: 17, hashes: vec![leaf_hash(b"a"), leaf_hash(b"b")], checkpoint }, key)
}

/// The example of c2sp.org/signed-note.
#[test]
fn the_note_of_the_specification_verifies() {
    let key: VerifierKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    let note = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let note: SignedNote = note.parse().unwrap();
    assert_eq!(key.verify(&note), Ok("This is an example message.\n"));
    assert_eq!(key.to_string(), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    let other: VerifierKey =
        key.to_string().replace("foo+530d903a", "bar+530d903a").parse().unwrap_or(self::key().1);
    assert_eq!(other.verify(&note), Err(NoteError::Unsigned));
}

#[test]
fn texts_come_back_as_they_were() {
    let (proof, key) = proof();
    assert_eq!(proof.to_string().parse(), Ok(proof.clone()));
    let text = key.verify(&proof.checkpoint).unwrap();
    let checkpoint: Checkpoint = text.parse().unwrap();
    assert_eq!((checkpoint.size, checkpoint.to_string().as_str()), (1000, text));
    assert_eq!(key.to_string().parse(), Ok(key));
}

#[test]
fn a_key_of_kms_is_read() {
    let (pair, key) = key();
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend(pair.public_key().as_ref());
    assert_eq!(VerifierKey::from_spki(LOG.parse().unwrap(), &der), Some(key));
    assert_eq!(VerifierKey::from_spki(LOG.parse().unwrap(), &der[1..]), None);
    assert_eq!(VerifierKey::from_spki(LOG.parse().unwrap(), &der[..43]), None);
}

#[test]
fn a_signature_of_something_else_makes_no_note() {
    let (pair, key) = key();
    let made = key.note("text\n".to_owned(), pair.sign(b"other\n").as_ref());
    assert_eq!(made, Err(NoteError::Signature));
    assert!(key.note("no end of line".to_owned(), pair.sign(b"no end of line").as_ref()).is_err());
}

/// A second signature, of another key of the same log, does not matter to who knows only the first.
#[test]
fn signatures_of_unknown_keys_are_ignored_and_damaged_ones_of_known_keys_are_not() {
    let (proof, key) = proof();
    let note = proof.checkpoint.to_string();
    let witness = format!("{note}\u{2014} witness.example AAAAAAAA\n");
    assert!(key.verify(&witness.parse().unwrap()).is_ok());
    let (head, own) = note.rsplit_once(' ').unwrap();
    let first = own.chars().nth(12).unwrap();
    let damaged = own.replacen(first, if first == 'A' { "B" } else { "A" }, 1);
    let line = head.rsplit_once('\n').unwrap().1;
    let twice = format!("{note}{line} {damaged}");
    assert_eq!(key.verify(&twice.parse().unwrap()), Err(NoteError::Signature));
}

/// Every bit of a proof file. One that can still be read says something else, or its note does not verify.
#[test]
fn no_bit_of_a_proof_may_change() {
    let (proof, key) = proof();
    let file = proof.to_string().into_bytes();
    for place in 0..file.len() * 8 {
        let mut changed = file.clone();
        changed[place / 8] ^= 1 << (place % 8);
        let Ok(text) = String::from_utf8(changed) else { continue };
        let Ok(changed) = text.parse::<TlogProof>() else { continue };
        let is_same_proof = changed.index == proof.index && changed.hashes == proof.hashes;
        assert!(!is_same_proof || key.verify(&changed.checkpoint).is_err(), "bit {place}: {text}");
    }
}

#[test]
fn only_the_canonical_form_of_a_checkpoint_is_read() {
    let root = Hash::empty_tree();
    let fine = format!("{LOG}\n5\n{root}\n");
    assert!(fine.parse::<Checkpoint>().is_ok());
    for wrong in [
        format!("{LOG}\n05\n{root}\n"),
        format!("{LOG}\n+5\n{root}\n"),
        format!("{LOG}\n5\n{root}"),
        format!("{LOG}\n5\n{root}\nextension\n"),
        format!("{LOG}\n5\n{}\n", root.to_string().trim_end_matches('=')),
        format!("{LOG}\n99999999999999999\n{root}\n"),
        format!("\n5\n{root}\n"),
        format!("a b\n5\n{root}\n"),
    ] {
        assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
    }
}
