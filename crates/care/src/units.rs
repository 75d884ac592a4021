//! Conversion between the two units in which laboratories of different countries write the same result.
//!
//! A conversion between mass and amount of substance needs the molar mass, which follows from the LOINC code; without
//! a known code only units of the same dimension are converted.

/// One quantity with the LOINC codes that measure it in the same specimen.
struct Quantity {
    /// LOINC codes in mass (or the conventional unit) first.
    loinc: &'static [&'static str],
    /// Grams per mole; zero where the pair is not mass against amount.
    molar_mass: f64,
    conventional: &'static str,
    si: &'static str,
}

const fn q(
    loinc: &'static [&'static str],
    molar_mass: f64,
    conventional: &'static str,
    si: &'static str,
) -> Quantity {
    Quantity {
        loinc,
        molar_mass,
        conventional,
        si,
    }
}

/// Molar masses in g/mol (IUPAC 2021 atomic weights); urea is measured as its nitrogen where the code says so, and
/// haemoglobin is counted in monomers.
const QUANTITIES: &[Quantity] = &[
    q(&["2345-7", "14749-6"], 180.156, "mg/dL", "mmol/L"), // glucose, serum or plasma
    q(&["2339-0", "15074-8"], 180.156, "mg/dL", "mmol/L"), // glucose, blood
    q(&["1558-6", "14771-0"], 180.156, "mg/dL", "mmol/L"), // glucose, fasting
    q(&["2093-3", "14647-2"], 386.654, "mg/dL", "mmol/L"), // cholesterol
    q(&["2085-9", "14646-4"], 386.654, "mg/dL", "mmol/L"), // HDL cholesterol
    q(&["18262-6", "69419-0"], 386.654, "mg/dL", "mmol/L"), // LDL cholesterol, direct
    q(&["13457-7", "39469-2"], 386.654, "mg/dL", "mmol/L"), // LDL cholesterol, calculated
    q(&["2571-8", "14927-8"], 885.7, "mg/dL", "mmol/L"),   // triglycerides
    q(&["2160-0", "14682-9"], 113.12, "mg/dL", "umol/L"),  // creatinine, serum or plasma
    q(&["38483-4", "59826-8"], 113.12, "mg/dL", "umol/L"), // creatinine, blood
    q(&["1975-2", "14631-6"], 584.669, "mg/dL", "umol/L"), // bilirubin, total
    q(&["1968-7", "14629-0"], 584.669, "mg/dL", "umol/L"), // bilirubin, direct
    q(&["3094-0", "14937-7"], 28.014, "mg/dL", "mmol/L"),  // urea nitrogen, serum or plasma
    q(&["6299-2", "59570-2"], 28.014, "mg/dL", "mmol/L"),  // urea nitrogen, blood
    q(&["3091-6", "22664-7"], 60.056, "mg/dL", "mmol/L"),  // urea
    q(&["3084-1", "14933-6"], 168.112, "mg/dL", "umol/L"), // urate
    q(&["17861-6", "2000-8"], 40.078, "mg/dL", "mmol/L"),  // calcium, serum or plasma
    q(&["49765-1"], 40.078, "mg/dL", "mmol/L"),            // calcium, blood
    q(&["2777-1", "14879-1"], 30.974, "mg/dL", "mmol/L"),  // phosphate as phosphorus
    q(&["19123-9", "2601-3"], 24.305, "mg/dL", "mmol/L"),  // magnesium
    q(&["2498-4", "14798-3"], 55.845, "ug/dL", "umol/L"),  // iron
    q(&["1989-3", "14635-7"], 400.647, "ng/mL", "nmol/L"), // calcidiol
    q(&["718-7", "59260-0"], 16_114.5, "g/dL", "mmol/L"),  // haemoglobin, monomer
    q(&["1751-7"], 0.0, "g/dL", "g/L"),                    // albumin
    q(&["2885-2"], 0.0, "g/dL", "g/L"),                    // protein
    q(&["4548-4", "59261-8"], 0.0, "%", "mmol/mol"),       // haemoglobin A1c
    q(&["8310-5"], 0.0, "[degF]", "Cel"),                  // body temperature
    q(&["29463-7"], 0.0, "[lb_av]", "kg"),                 // body weight
    q(&["8302-2"], 0.0, "[in_i]", "cm"),                   // body height
];

fn quantity(loinc: &str) -> Option<&'static Quantity> {
    QUANTITIES.iter().find(|q| q.loinc.contains(&loinc))
}

/// The code under which this one's results are one series: its partner in the other unit, or itself.
pub fn series(loinc: &str) -> &str {
    quantity(loinc).map_or(loinc, |q| q.loinc[0])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    /// Grams per litre.
    Mass,
    /// Moles per litre.
    Amount,
    /// Grams.
    Weight,
    /// Metres.
    Length,
    Celsius,
    Fahrenheit,
    /// Haemoglobin A1c after NGSP.
    Percent,
    /// Haemoglobin A1c after IFCC.
    MmolPerMol,
}

/// A UCUM unit (or its printed form) as a dimension and the factor to its base.
fn unit(text: &str) -> Option<(Dimension, f64)> {
    use Dimension::{Amount, Celsius, Fahrenheit, Length, Mass, MmolPerMol, Percent, Weight};
    Some(match text.replace(['µ', 'μ'], "u").as_str() {
        "g/L" => (Mass, 1.0),
        "g/dL" => (Mass, 10.0),
        "mg/dL" => (Mass, 1e-2),
        "mg/L" | "ug/mL" => (Mass, 1e-3),
        "ug/dL" => (Mass, 1e-5),
        "ug/L" | "ng/mL" => (Mass, 1e-6),
        "ng/dL" => (Mass, 1e-8),
        "ng/L" | "pg/mL" => (Mass, 1e-9),
        "mol/L" => (Amount, 1.0),
        "mmol/L" => (Amount, 1e-3),
        "umol/L" => (Amount, 1e-6),
        "nmol/L" => (Amount, 1e-9),
        "pmol/L" => (Amount, 1e-12),
        "kg" => (Weight, 1000.0),
        "g" => (Weight, 1.0),
        "[lb_av]" | "lb" | "lbs" => (Weight, 453.592_37),
        "m" => (Length, 1.0),
        "cm" => (Length, 0.01),
        "[in_i]" | "in" => (Length, 0.0254),
        "Cel" | "°C" => (Celsius, 1.0),
        "[degF]" | "°F" => (Fahrenheit, 1.0),
        "%" => (Percent, 1.0),
        "mmol/mol" => (MmolPerMol, 1.0),
        _ => return None,
    })
}

/// The value in the unit `to`, or none when the two units do not measure the same of this quantity.
pub fn convert_to(loinc: &str, value: f64, from: &str, to: &str) -> Option<f64> {
    let (from, from_factor) = unit(from)?;
    let (to, to_factor) = unit(to)?;
    let known = quantity(loinc);
    let base = value * from_factor;
    let base = match (from, to) {
        _ if from == to => base,
        (Dimension::Mass, Dimension::Amount) => base / molar_mass(known?)?,
        (Dimension::Amount, Dimension::Mass) => base * molar_mass(known?)?,
        (Dimension::Celsius, Dimension::Fahrenheit) => base * 1.8 + 32.0,
        (Dimension::Fahrenheit, Dimension::Celsius) => (base - 32.0) / 1.8,
        // Master equation of NGSP and IFCC, only for A1c: other percentages are no ratio of moles.
        (Dimension::Percent, Dimension::MmolPerMol) if known?.si == "mmol/mol" => {
            (base - 2.152) / 0.091_48
        }
        (Dimension::MmolPerMol, Dimension::Percent) if known?.si == "mmol/mol" => {
            base * 0.091_48 + 2.152
        }
        _ => return None,
    };
    Some(base / to_factor)
}

fn molar_mass(q: &Quantity) -> Option<f64> {
    (q.molar_mass > 0.0).then_some(q.molar_mass)
}

/// The same value in the other common unit, rounded to three significant digits: (value, unit). None when the quantity
/// is not known or has one unit only.
pub fn other_unit(loinc: &str, value: f64, from: &str) -> Option<(String, String)> {
    let known = quantity(loinc)?;
    let (from_dimension, _) = unit(from)?;
    let (si_dimension, si_factor) = unit(known.si)?;
    let from_factor = unit(from)?.1;
    let is_si = from_dimension == si_dimension
        && (unit(known.conventional)?.0 != si_dimension
            || (from_factor - si_factor).abs() < f64::EPSILON);
    let to = if is_si { known.conventional } else { known.si };
    let converted = convert_to(loinc, value, from, to)?;
    Some((significant(converted), printed(to).to_owned()))
}

/// How a UCUM unit is printed.
pub fn printed(ucum: &str) -> &str {
    match ucum {
        "umol/L" => "µmol/L",
        "ug/dL" => "µg/dL",
        "ug/L" => "µg/L",
        "Cel" => "°C",
        "[degF]" => "°F",
        "[lb_av]" => "lb",
        "[in_i]" => "in",
        "mm[Hg]" => "mmHg",
        other => other,
    }
}

/// Three significant digits, whole numbers from 100 up.
fn significant(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 99.95 || size == 0.0 {
        0
    } else if size >= 9.995 {
        1
    } else if size >= 0.9995 {
        2
    } else {
        3
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(loinc: &str, value: f64, from: &str) -> String {
        let (v, u) = other_unit(loinc, value, from).unwrap();
        format!("{v} {u}")
    }

    #[test]
    fn common_results_convert_both_ways() {
        assert_eq!(both("2345-7", 100.0, "mg/dL"), "5.55 mmol/L");
        assert_eq!(
            both("14749-6", 5.55, "mmol/L"),
            "100.0 mg/dL".replace("100.0", "100")
        );
        assert_eq!(both("2160-0", 1.0, "mg/dL"), "88.4 µmol/L");
        assert_eq!(both("2093-3", 200.0, "mg/dL"), "5.17 mmol/L");
        assert_eq!(both("2571-8", 150.0, "mg/dL"), "1.69 mmol/L");
        assert_eq!(both("1975-2", 1.2, "mg/dL"), "20.5 µmol/L");
        assert_eq!(both("3094-0", 20.0, "mg/dL"), "7.14 mmol/L");
        assert_eq!(both("17861-6", 9.2, "mg/dL"), "2.30 mmol/L");
        assert_eq!(both("718-7", 121.0, "g/L"), "7.51 mmol/L");
        assert_eq!(both("718-7", 12.1, "g/dL"), "7.51 mmol/L");
        assert_eq!(both("1751-7", 4.0, "g/dL"), "40.0 g/L");
        assert_eq!(both("1751-7", 40.0, "g/L"), "4.00 g/dL");
        assert_eq!(both("4548-4", 7.0, "%"), "53.0 mmol/mol");
        assert_eq!(both("8310-5", 37.0, "Cel"), "98.6 °F");
    }

    #[test]
    fn an_unknown_quantity_is_not_guessed() {
        assert_eq!(other_unit("1988-5", 5.0, "mg/L"), None);
        assert_eq!(convert_to("1988-5", 5.0, "mg/L", "mmol/L"), None);
        assert_eq!(convert_to("2708-6", 95.0, "%", "mmol/mol"), None);
        assert_eq!(other_unit("2345-7", 5.0, "furlong"), None);
    }

    #[test]
    fn there_and_back_is_the_same() {
        for q in QUANTITIES {
            let there = convert_to(q.loinc[0], 7.3, q.conventional, q.si).unwrap();
            let back = convert_to(q.loinc[0], there, q.si, q.conventional).unwrap();
            assert!((back - 7.3).abs() < 1e-9, "{}", q.loinc[0]);
        }
    }
}
