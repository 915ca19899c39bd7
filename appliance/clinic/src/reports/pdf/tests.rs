use super::*;

fn printed(text: &str) -> Printed {
    Printed {
        title: "Radiology report".into(),
        facts: vec![
            ("Patient".into(), "DOE Jane".into()),
            ("Patient ID".into(), "P-4711".into()),
            ("Date of birth".into(), "1961-04-02".into()),
            ("Sex".into(), "F".into()),
            ("Study".into(), "CT Thorax nativ".into()),
            ("Study date".into(), "2026-11-23".into()),
        ],
        text: text.into(),
        signature: vec!["Dr. Roe".into(), "23 November 2026, 09:12 (Europe/Berlin)".into()],
        about: "DOE Jane · P-4711 · CT · 2026-11-23".into(),
        footer: "Report 019a-…".into(),
    }
}

fn letterhead() -> Letterhead {
    Letterhead {
        facility: "Kreisklinik Musterstadt".into(),
        address: vec!["Radiologie".into(), "Hauptstraße 1, 12345 Musterstadt".into(), "Tel. +49 30 1234567".into()],
        logo: Some(Arc::new(logo(120, 60))),
        ..Letterhead::default()
    }
}

/// A PNG with a blue cross.
fn logo(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixel = |x: u32, y: u32| {
        let cross = x.abs_diff(width / 2) < width / 8 || y.abs_diff(height / 2) < height / 8;
        if cross { [15, 82, 122] } else { [225, 235, 240] }
    };
    let image: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    encoder.write_header().unwrap().write_image_data(&image).unwrap();
    bytes
}

/// What `pdftotext` reads, page by page; `None`: this machine has no poppler.
fn read_back(pdf: &[u8]) -> Option<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.pdf");
    std::fs::write(&file, pdf).unwrap();
    if let Ok(keep) = std::env::var("RELAYPACS_KEEP_PDF") {
        let name = std::thread::current().name().unwrap_or("report").replace(':', "_");
        std::fs::write(PathBuf::from(keep).join(format!("{name}.pdf")), pdf).unwrap();
    }
    let output = std::process::Command::new("pdftotext").arg("-enc").arg("UTF-8").arg(&file).arg("-").output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.trim_end_matches('\u{c}').split('\u{c}').map(ToOwned::to_owned).collect())
}

const FINDINGS: &str = "Clinical history:\nPersistent cough for six weeks, smoker (20 pack years).\n\nTechnique:\nNative CT of the thorax, 1 mm slices, \
lung and soft tissue window.\n\nFINDINGS\nSolid nodule of 8 mm in the right upper lobe (series 3, image 112), not present in 2024. No enlarged \
mediastinal or hilar lymph nodes. No pleural or pericardial effusion. Heart size normal, moderate coronary calcification.\n\nImpression:\n1. New solid \
nodule of 8 mm in the right upper lobe.\n2. Follow-up by CT in three months as recommended by the Fleischner Society.";

#[test]
fn a_report_can_be_read_back() {
    let pdf = draw(&letterhead(), &printed(FINDINGS)).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() < 400_000, "{} bytes", pdf.len());
    let Some(pages) = read_back(&pdf) else { return };
    assert_eq!(pages.len(), 1);
    for wanted in ["Kreisklinik Musterstadt", "Hauptstraße 1", "DOE Jane", "P-4711", "FINDINGS", "Fleischner", "Dr. Roe", "Page 1 of 1"] {
        assert!(pages[0].contains(wanted), "{wanted}: {}", pages[0]);
    }
}

#[test]
fn a_long_report_has_numbered_pages_that_name_the_patient() {
    let text = format!("{FINDINGS}\n\n").repeat(8);
    let pdf = draw(&letterhead(), &printed(&text)).unwrap();
    let Some(pages) = read_back(&pdf) else { return };
    assert!(pages.len() > 2, "{}", pages.len());
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())), "{page}");
        assert!(page.contains("DOE Jane") && page.contains("P-4711"), "{page}");
    }
    let words = |text: &str| text.matches("Fleischner").count();
    assert_eq!(pages.iter().map(|page| words(page)).sum::<usize>(), 8, "nothing is lost between pages");
}

#[test]
fn every_script_of_the_embedded_font_is_drawn_and_read_back() {
    let text = "Ελληνικά: φυσιολογική εξέταση.\nРусский: патологии не выявлено.\nPolski: płuca bez zmian ogniskowych, żółć.\nالعربية: لا توجد \
آفات رئوية. حجم القلب طبيعي 8 mm.\nTürkçe: Akciğerler doğal.\nTiếng Việt: Không thấy tổn thương.";
    let pdf = draw(&letterhead(), &printed(text)).unwrap();
    let Some(pages) = read_back(&pdf) else { return };
    for wanted in ["Ελληνικά", "патологии", "płuca", "żółć", "Akciğerler", "Không thấy tổn thương", "القلب", "طبيعي"]
    {
        assert!(pages[0].contains(wanted), "{wanted}: {}", pages[0]);
    }
}

#[test]
fn texts_without_spaces_and_endless_words_stay_on_the_page() {
    let mut fonts = Fonts::new(&[PathBuf::from("/nonexistent")]).unwrap();
    let style = lines::Style { size: 10.0, bold: false };
    for text in ["x".repeat(300), "肺に異常なし。".repeat(30), "word ".repeat(100), "ا".repeat(300)] {
        let set = lines::set(&mut fonts, &text, style, 400.0);
        assert!(set.len() > 1);
        for line in &set {
            assert!(line.width <= 400.5, "{}", line.width);
        }
        let drawn: usize = set.iter().flat_map(|line| &line.runs).map(|run| run.text.chars().filter(|c| *c != ' ').count()).sum();
        assert_eq!(drawn, text.chars().filter(|c| *c != ' ').count(), "no character is lost");
    }
}

#[test]
fn odd_texts_are_no_fault() {
    for text in ["", "\n\n\n", "\u{0}\u{7}\u{feff}", "\u{202e}abc\u{202c}", "👩‍⚕️ ok", "a\r\nb\tc"] {
        draw(&Letterhead::default(), &Printed { text: text.into(), ..Printed::default() }).unwrap();
    }
}

#[test]
fn a_logo_must_be_a_png_of_reasonable_size() {
    assert!(check_logo(&logo(10, 10)).is_ok());
    assert!(check_logo(b"GIF89a").is_err());
    assert!(check_logo(&logo(4001, 1)).is_err());
    let broken = Letterhead { logo: Some(Arc::new(b"no PNG".to_vec())), ..Letterhead::default() };
    draw(&broken, &printed("Text")).unwrap();
}
