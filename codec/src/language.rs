//! Matching an audio track's language tag (ISO 639-2, either form) with the configured one.

/// Whether two language tags name the same language: `en`, `eng`, `en-GB` and `ENG` do.
pub(crate) fn same_language(a: &str, b: &str) -> bool {
    let (a, b) = (primary(a), primary(b));
    !a.is_empty() && canonical(&a) == canonical(&b)
}

fn primary(tag: &str) -> String {
    let end = tag.find(['-', '_']).unwrap_or(tag.len());
    tag[..end].trim().to_ascii_lowercase()
}

fn canonical(tag: &str) -> &str {
    LANGUAGES.iter().find(|forms| forms.contains(&tag)).map_or(tag, |forms| forms[0])
}

/// ISO 639-1 code, ISO 639-2/T code, ISO 639-2/B code.
const LANGUAGES: [[&str; 3]; 42] = [
    ["ar", "ara", "ara"],
    ["bg", "bul", "bul"],
    ["bn", "ben", "ben"],
    ["ca", "cat", "cat"],
    ["cs", "ces", "cze"],
    ["da", "dan", "dan"],
    ["de", "deu", "ger"],
    ["el", "ell", "gre"],
    ["en", "eng", "eng"],
    ["es", "spa", "spa"],
    ["et", "est", "est"],
    ["eu", "eus", "baq"],
    ["fa", "fas", "per"],
    ["fi", "fin", "fin"],
    ["fr", "fra", "fre"],
    ["he", "heb", "heb"],
    ["hi", "hin", "hin"],
    ["hr", "hrv", "hrv"],
    ["hu", "hun", "hun"],
    ["id", "ind", "ind"],
    ["is", "isl", "ice"],
    ["it", "ita", "ita"],
    ["ja", "jpn", "jpn"],
    ["ko", "kor", "kor"],
    ["lt", "lit", "lit"],
    ["lv", "lav", "lav"],
    ["nl", "nld", "dut"],
    ["no", "nor", "nob"],
    ["pl", "pol", "pol"],
    ["pt", "por", "por"],
    ["ro", "ron", "rum"],
    ["ru", "rus", "rus"],
    ["sk", "slk", "slo"],
    ["sl", "slv", "slv"],
    ["sr", "srp", "srp"],
    ["sv", "swe", "swe"],
    ["ta", "tam", "tam"],
    ["th", "tha", "tha"],
    ["tr", "tur", "tur"],
    ["uk", "ukr", "ukr"],
    ["vi", "vie", "vie"],
    ["zh", "zho", "chi"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_one_language_match() {
        for (a, b, same) in [
            ("en", "eng", true),
            ("en-GB", "ENG", true),
            ("ger", "deu", true),
            ("pt_BR", "por", true),
            ("tlh", "tlh", true),
            ("en", "fr", false),
            ("", "", false),
            ("und", "eng", false),
        ] {
            assert_eq!(same_language(a, b), same, "{a} {b}");
        }
    }
}
