//! Builds the page (`npm install`, `vite build`) and embeds it compressed. `RELAYPACS_WEB_UI_DIST` names a page that is built already.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the page is made of, beside this folder's `src` and `public`.
const INPUTS: [&str; 7] = ["src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "lingui.config.ts"];

/// What is worth compressing: text.
const TEXT: [&str; 8] = ["html", "js", "mjs", "css", "svg", "json", "webmanifest", "txt"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-env-changed=RELAYPACS_WEB_UI_DIST");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let dist = match env::var_os("RELAYPACS_WEB_UI_DIST").filter(|folder| !folder.is_empty()) {
        Some(ready) => ready_made(PathBuf::from(ready))?,
        None => built(&out)?,
    };
    println!("cargo::rerun-if-changed={}", dist.display());
    embed(&dist, &out)
}

/// A page that somebody built already.
fn ready_made(dist: PathBuf) -> Result<PathBuf> {
    let wrong = match dist.join("index.html").metadata() {
        Ok(index) if index.is_file() => return Ok(dist),
        Ok(_) => "its index.html is no file".to_owned(),
        Err(_) if !dist.exists() => "there is no such folder".to_owned(),
        Err(error) => format!("it has no index.html ({error})"),
    };
    // Cargo runs build scripts in their package's folder.
    let from = if dist.is_relative() { format!(" (seen from {})", env::current_dir()?.display()) } else { String::new() };
    let name = dist.display();
    Err(format!("RELAYPACS_WEB_UI_DIST is {name}{from}, but {wrong}: name the folder that `npm run build` made, or leave it unset").into())
}

/// Builds the page into `OUT_DIR/dist`.
fn built(out: &Path) -> Result<PathBuf> {
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
    }
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    if !installed(&package) {
        // Not `npm ci`: it refuses the lock file wherever the registry lacks optional packages of other platforms. The versions are the lock's.
        npm(&package, &["install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline"])?;
    }
    let dist = out.join("dist");
    let into = dist.to_str().ok_or("the build folder's path is not UTF-8")?;
    npm(&package, &["run", "build", "--", "--outDir", into, "--emptyOutDir", "--logLevel", "warn"])?;
    Ok(dist)
}

/// Whether what the lock file names is installed: npm leaves a copy of it beside the packages.
fn installed(package: &Path) -> bool {
    let written = |path: PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    match (written(package.join("node_modules/.package-lock.json")), written(package.join("package-lock.json"))) {
        (Some(there), Some(wanted)) => there >= wanted,
        _ => false,
    }
}

fn npm(package: &Path, arguments: &[&str]) -> Result<()> {
    let outcome = Command::new("npm")
        .args(arguments)
        .current_dir(package)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            format!(
                "npm cannot be run ({error}): the web page needs Node.js 20.19 or newer with npm (Debian: apt-get install nodejs npm); \
                 or set RELAYPACS_WEB_UI_DIST to a page that is built already"
            )
        })?;
    if outcome.status.success() {
        return Ok(());
    }
    let said = [outcome.stdout, outcome.stderr].concat();
    Err(format!("npm {} failed ({}) in {}:\n{}", arguments.join(" "), outcome.status, package.display(), String::from_utf8_lossy(&said))
        .into())
}

/// Writes the compressed forms and the table of all files.
fn embed(dist: &Path, out: &Path) -> Result<()> {
    let packed = out.join("packed");
    fs::create_dir_all(&packed)?;
    let mut files = Vec::new();
    collect(dist, dist, &mut files)?;
    files.sort();
    let mut table = String::from("static FILES: &[File] = &[\n");
    for (path, file) in &files {
        let bytes = fs::read(file)?;
        let sha256 = Sha256::digest(&bytes).iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let text = Path::new(path).extension().and_then(|end| end.to_str()).is_some_and(|end| TEXT.contains(&end));
        // Named by content: what did not change is not compressed again.
        let compressed = |name: &str, pack: fn(&[u8]) -> Result<Vec<u8>>| -> Result<PathBuf> {
            let place = packed.join(format!("{sha256}.{name}"));
            if !place.is_file() {
                fs::write(&place, pack(&bytes)?)?;
            }
            Ok(place)
        };
        let forms = if text { Some((compressed("gz", gzip)?, compressed("br", brotli)?)) } else { None };
        let smaller = |place: &Path| Ok::<_, Box<dyn Error>>(fs::metadata(place)?.len() < bytes.len() as u64);
        let include = |place: &Path| format!("include_bytes!({:?})", place.display().to_string());
        let kept = match forms {
            Some((gzip, brotli)) if smaller(&gzip)? && smaller(&brotli)? => {
                format!("Packed {{ gzip: {}, brotli: {} }}", include(&gzip), include(&brotli))
            }
            _ => format!("Plain({})", include(file)),
        };
        writeln!(
            table,
            "    File {{ path: {path:?}, content_type: {:?}, sha256: {sha256:?}, immutable: {}, kept: Kept::{kept} }},",
            content_type(path)?,
            path.starts_with("assets/"),
        )?;
    }
    let index = files.iter().position(|(path, _)| path == "index.html").ok_or("no index.html")?;
    writeln!(table, "];\n\nconst INDEX: usize = {index};")?;
    fs::write(out.join("files.rs"), table)?;
    Ok(())
}

/// Every file below `folder`, by its path from `root`. Source maps stay out: they go to the error tracker, not to browsers.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_none_or(|end| end != "map") {
            let name = path.strip_prefix(root)?.to_str().ok_or("a file name of the page is not UTF-8")?.replace('\\', "/");
            files.push((name, fs::canonicalize(&path)?));
        }
    }
    Ok(())
}

fn content_type(path: &str) -> Result<&'static str> {
    Ok(match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return Err(format!("no media type for {path}: name it in web-ui/build.rs").into()),
    })
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 10, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters)?;
    Ok(out)
}
