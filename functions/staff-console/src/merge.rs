//! Several PDF documents in one, for a printer: the pages of each in their order, each with its own fonts and pictures.
//!
//! It is a copy for paper. What is archived stays as it is, and is what evidence speaks of.

use bytes::Bytes;
use lopdf::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeMap;

/// No more pages than a printer takes at once.
const MAX_PAGES: usize = 1000;

/// Why documents cannot be printed together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("there is nothing to print")]
    Nothing,
    #[error("they have more than {MAX_PAGES} pages")]
    TooLong,
    #[error("one of them cannot be read")]
    Read(#[source] lopdf::Error),
    #[error("the whole cannot be written")]
    Write(#[source] std::io::Error),
}

/// What pages inherit from the nodes above them, which the whole does not have.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];

/// Puts documents behind each other.
pub fn merged(documents: &[Bytes]) -> Result<Bytes, MergeError> {
    let mut whole = Document::with_version("1.7");
    let mut pages: Vec<(ObjectId, Dictionary)> = Vec::new();
    let mut objects: BTreeMap<ObjectId, Object> = BTreeMap::new();
    let mut first_free = 1;
    for bytes in documents {
        let mut document = Document::load_mem(bytes).map_err(MergeError::Read)?;
        document.renumber_objects_with(first_free);
        first_free = document.max_id.saturating_add(1);
        for id in document.get_pages().into_values() {
            pages.push((id, page(&document, id).map_err(MergeError::Read)?));
        }
        objects.extend(document.objects);
    }
    if pages.is_empty() {
        return Err(MergeError::Nothing);
    }
    if pages.len() > MAX_PAGES {
        return Err(MergeError::TooLong);
    }
    let root = (first_free, 0);
    let catalog = (first_free.saturating_add(1), 0);
    let kids: Vec<Object> = pages.iter().map(|(id, _)| Object::Reference(*id)).collect();
    let count = i64::try_from(kids.len()).unwrap_or(i64::MAX);
    for (id, mut dictionary) in pages {
        dictionary.set("Parent", Object::Reference(root));
        objects.insert(id, Object::Dictionary(dictionary));
    }
    let mut tree = Dictionary::new();
    tree.set("Type", Object::Name(b"Pages".to_vec()));
    tree.set("Kids", Object::Array(kids));
    tree.set("Count", Object::Integer(count));
    objects.insert(root, Object::Dictionary(tree));
    let mut top = Dictionary::new();
    top.set("Type", Object::Name(b"Catalog".to_vec()));
    top.set("Pages", Object::Reference(root));
    objects.insert(catalog, Object::Dictionary(top));
    whole.objects = objects;
    whole.max_id = catalog.0;
    whole.trailer.set("Root", Object::Reference(catalog));
    // catalogs, outlines and structures of the parts, which nothing leads to any more
    whole.prune_objects();
    whole.renumber_objects();
    let mut bytes = Vec::new();
    whole.save_to(&mut bytes).map_err(MergeError::Write)?;
    Ok(bytes.into())
}

/// A page with what it inherits, and without what could act.
fn page(document: &Document, id: ObjectId) -> Result<Dictionary, lopdf::Error> {
    let mut page = document.get_dictionary(id)?.clone();
    for name in INHERITED {
        let mut above = page.get(b"Parent").and_then(Object::as_reference).ok();
        // a tree that leads back to itself ends, too
        for _ in 0..50 {
            let Some(node) = above.filter(|_| !page.has(name)) else { break };
            let node = document.get_dictionary(node)?;
            if let Ok(value) = node.get(name) {
                page.set(name, value.clone());
            }
            above = node.get(b"Parent").and_then(Object::as_reference).ok();
        }
    }
    for name in [&b"AA"[..], b"Annots", b"B", b"StructParents"] {
        page.remove(name);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lopdf::{Stream, dictionary};

    /// A document whose pages inherit their size, each with its text.
    fn document(texts: &[&str]) -> Bytes {
        let mut document = Document::with_version("1.5");
        let root = document.new_object_id();
        let font = document
            .add_object(dictionary! {"Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica"});
        let kids: Vec<Object> = texts
            .iter()
            .map(|text| {
                let content = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET").into_bytes();
                let content = document.add_object(Stream::new(Dictionary::new(), content));
                document
                    .add_object(dictionary! {"Type" => "Page", "Parent" => root, "Contents" => content})
                    .into()
            })
            .collect();
        let count = i64::try_from(kids.len()).unwrap();
        document.objects.insert(
            root,
            Object::Dictionary(dictionary! {
                "Type" => "Pages", "Kids" => kids, "Count" => count,
                "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
                "Resources" => dictionary! {"Font" => dictionary! {"F1" => font}},
            }),
        );
        let catalog = document.add_object(dictionary! {"Type" => "Catalog", "Pages" => root});
        document.trailer.set("Root", catalog);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes.into()
    }

    #[test]
    fn all_pages_are_there_in_their_order_with_what_they_inherited() {
        let bytes = merged(&[document(&["one", "two"]), document(&["three"])]).unwrap();
        let whole = Document::load_mem(&bytes).unwrap();
        let pages = whole.get_pages();
        assert_eq!(pages.len(), 3);
        for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
            assert!(whole.extract_text(&[number]).unwrap().contains(text), "page {number}");
            let page = whole.get_dictionary(pages[&number]).unwrap();
            assert!(page.has(b"MediaBox") && page.has(b"Resources"));
        }
    }

    #[test]
    fn what_is_no_document_is_said() {
        assert!(matches!(merged(&[]), Err(MergeError::Nothing)));
        assert!(matches!(merged(&[Bytes::from_static(b"<html>")]), Err(MergeError::Read(_))));
    }
}
