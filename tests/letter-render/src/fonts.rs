//! The fonts for what the built-in PDF fonts lack: Noto, from two packages that `make up` installs.
//!
//! Font files are found once, read when a text first needs one, and kept for the life of the process. Without
//! them the pages fall back to Latin letters ([`missing`] says so).

use rustybuzz::{Direction, Feature, Script, ShapePlan, UnicodeBuffer};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

/// A folder with the font files, in place of where `infra/local/install.py` puts them.
const FOLDER_VARIABLE: &str = "LOCAL_STUB_FONTS";

/// A font of the Noto family and the blocks of Unicode it is asked for first.
struct Source {
    file: &'static str,
    blocks: &'static [(u32, u32)],
}

const SANS: usize = 0;
const SYMBOLS: usize = 1;
pub(crate) const EMOJI: usize = 2;
const CJK: usize = 3;

/// Where a character is looked for that its own block's font lacks.
const FALLBACKS: [usize; 4] = [SANS, CJK, SYMBOLS, EMOJI];

#[rustfmt::skip]
const SOURCES: [Source; 22] = [
    Source { file: "NotoSans[wght].ttf", blocks: &[(0x20, 0x52f), (0x1ab0, 0x1aff), (0x1d00, 0x20cf)] },
    Source { file: "NotoSansSymbols[wght].ttf", blocks: &[] },
    Source { file: "NotoEmoji[wght].ttf", blocks: &[
        (0x200d, 0x200d), (0x20e3, 0x20e3), (0x2600, 0x27bf), (0x2b00, 0x2bff), (0xfe00, 0xfe0f), (0x1f000, 0x1faff),
        (0xe0020, 0xe007f),
    ] },
    Source { file: "NotoSansCJKjp-Regular.otf", blocks: &[
        (0x1100, 0x11ff), (0x2e80, 0xa4cf), (0xa960, 0xa97f), (0xac00, 0xd7ff), (0xf900, 0xfaff), (0xfe30, 0xfe4f),
        (0xff00, 0xffef), (0x20000, 0x3ffff),
    ] },
    Source { file: "NotoSansHebrew[wght].ttf", blocks: &[(0x590, 0x5ff), (0xfb1d, 0xfb4f)] },
    Source { file: "NotoSansArabic[wght].ttf", blocks: &[
        (0x600, 0x6ff), (0x750, 0x77f), (0x870, 0x8ff), (0xfb50, 0xfdff), (0xfe70, 0xfefe),
    ] },
    Source { file: "NotoSansArmenian[wght].ttf", blocks: &[(0x530, 0x58f)] },
    Source { file: "NotoSansGeorgian[wght].ttf", blocks: &[(0x10a0, 0x10ff), (0x1c90, 0x1cbf)] },
    Source { file: "NotoSansDevanagari[wght].ttf", blocks: &[(0x900, 0x97f), (0xa8e0, 0xa8ff)] },
    Source { file: "NotoSansBengali[wght].ttf", blocks: &[(0x980, 0x9ff)] },
    Source { file: "NotoSansGurmukhi[wght].ttf", blocks: &[(0xa00, 0xa7f)] },
    Source { file: "NotoSansGujarati[wght].ttf", blocks: &[(0xa80, 0xaff)] },
    Source { file: "NotoSansTamil[wght].ttf", blocks: &[(0xb80, 0xbff)] },
    Source { file: "NotoSansTelugu[wght].ttf", blocks: &[(0xc00, 0xc7f)] },
    Source { file: "NotoSansKannada[wght].ttf", blocks: &[(0xc80, 0xcff)] },
    Source { file: "NotoSansMalayalam[wght].ttf", blocks: &[(0xd00, 0xd7f)] },
    Source { file: "NotoSansSinhala[wght].ttf", blocks: &[(0xd80, 0xdff)] },
    Source { file: "NotoSansThai[wght].ttf", blocks: &[(0xe00, 0xe7f)] },
    Source { file: "NotoSansLao[wght].ttf", blocks: &[(0xe80, 0xeff)] },
    Source { file: "NotoSansMyanmar[wght].ttf", blocks: &[(0x1000, 0x109f)] },
    Source { file: "NotoSansEthiopic[wght].ttf", blocks: &[(0x1200, 0x139f)] },
    Source { file: "NotoSansKhmer[wght].ttf", blocks: &[(0x1780, 0x17ff)] },
];

/// A font that was read.
pub(crate) struct Loaded {
    /// Its place in the list of all fonts.
    pub index: usize,
    pub data: &'static [u8],
    pub face: rustybuzz::Face<'static>,
    /// How to shape, by direction and script: making a plan takes longer than shaping a word.
    plans: Mutex<Vec<(Direction, Script, Arc<ShapePlan>)>>,
}

impl Loaded {
    pub fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }

    /// The plan for a buffer whose direction and script are set; `features` are always the same.
    pub fn plan(&self, buffer: &UnicodeBuffer, features: &[Feature]) -> Arc<ShapePlan> {
        let (direction, script) = (buffer.direction(), buffer.script());
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., plan)) = plans.iter().find(|(d, s, _)| (*d, *s) == (direction, script)) {
            return plan.clone();
        }
        let plan = Arc::new(ShapePlan::new(&self.face, direction, Some(script), None, features));
        plans.push((direction, script, plan.clone()));
        plan
    }

    /// Whether its outlines are of the kind `CFF `.
    pub fn has_charstrings(&self) -> bool {
        self.face.tables().cff.is_some()
    }

    /// Font units as parts of the font size.
    pub fn em(&self, units: i32) -> f32 {
        units as f32 / self.face.units_per_em() as f32
    }
}

static FILES: LazyLock<Vec<Option<PathBuf>>> = LazyLock::new(|| {
    let folders = folders();
    let find =
        |source: &Source| folders.iter().map(|folder| folder.join(source.file)).find(|file| file.exists());
    SOURCES.iter().map(find).collect()
});

static LOADED: [OnceLock<Option<Loaded>>; SOURCES.len()] = [const { OnceLock::new() }; SOURCES.len()];

/// Where packages of the emulator's Python environment keep their files.
fn folders() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return vec![folder.into()];
    }
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local/.venv/lib");
    let versions = std::fs::read_dir(libraries).into_iter().flatten().flatten();
    let packages = versions.map(|version| version.path().join("site-packages"));
    packages.flat_map(|it| ["manimgx_fonts", "noto_cjk_sans_jp_regular"].map(|name| it.join(name))).collect()
}

/// The names of font files that are not installed.
pub fn missing() -> Vec<&'static str> {
    SOURCES
        .iter()
        .zip(FILES.iter())
        .filter(|(_, file)| file.is_none())
        .map(|(source, _)| source.file)
        .collect()
}

pub(crate) fn get(index: usize) -> Option<&'static Loaded> {
    let load = || {
        let data: &'static [u8] = std::fs::read(FILES.get(index)?.as_ref()?).ok()?.leak();
        Some(Loaded { index, data, face: rustybuzz::Face::from_slice(data, 0)?, plans: Mutex::default() })
    };
    LOADED.get(index)?.get_or_init(load).as_ref()
}

/// The font that has `c`; `None` if no installed font does.
pub(crate) fn of(c: char) -> Option<&'static Loaded> {
    let code = c as u32;
    let own = SOURCES.iter().position(|it| it.blocks.iter().any(|(from, to)| (*from..=*to).contains(&code)));
    own.into_iter().chain(FALLBACKS).filter_map(get).find(|font| font.has(c))
}
