//! Lists the files of `documents/`, so that nobody keeps a list of them.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=documents");
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("documents");
    let mut files =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|it| it == "toml"));
    files.sort();
    let mut list = String::new();
    for path in files {
        let name = path.file_stem().unwrap_or_default();
        writeln!(list, "({name:?}, include_str!({path:?})),")?;
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("documents.rs"), format!("&[{list}]"))?;
    Ok(())
}
