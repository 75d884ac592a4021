//! Chests and heads.

use std::f64::consts::TAU;

use super::volume::{Ellipsoid, Grain, column, ellipsoid};

pub const AIR: i16 = -1_000;

/// What is in the right upper lobe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nodule {
    None,
    /// Half its diameter and that of its solid part, millimetres.
    PartSolid(f64, f64),
}

/// A chest in Hounsfield units, 256 mm from the liver's dome (0) to the apices.
pub fn chest(nodule: Nodule, seed: u64) -> Vec<Ellipsoid> {
    let mut all = vec![
        // The table.
        column([0.0, 210.0], [240.0, 70.0], -120),
        column([0.0, 206.0], [240.0, 70.0], AIR),
        // Skin and fat, muscle.
        column([0.0, 0.0], [166.0, 116.0], -95),
        column([0.0, 2.0], [152.0, 103.0], 48),
    ];
    ribs(&mut all);
    all.extend([
        ellipsoid([-76.0, -4.0, 116.0], [60.0, 84.0, 130.0], -862),
        ellipsoid([76.0, -4.0, 116.0], [58.0, 84.0, 130.0], -862),
    ]);
    vessels(&mut all, seed);
    all.extend([
        // Mediastinum, heart with its fat, aorta going down, the arch, spine with its canal, sternum.
        ellipsoid([0.0, 0.0, 170.0], [27.0, 58.0, 90.0], -40),
        ellipsoid([20.0, -30.0, 62.0], [60.0, 50.0, 68.0], -70),
        ellipsoid([20.0, -30.0, 62.0], [54.0, 45.0, 62.0], 42),
        ellipsoid([28.0, -26.0, 66.0], [26.0, 22.0, 34.0], 36),
        column([24.0, 42.0], [12.5, 12.5], 44),
        ellipsoid([8.0, 6.0, 158.0], [16.0, 36.0, 12.0], 44),
        column([0.0, 74.0], [21.0, 19.0], 210),
        column([0.0, 74.0], [18.0, 16.0], 150),
        column([0.0, 100.0], [8.0, 7.0], 25),
        ellipsoid([0.0, -96.0, 130.0], [17.0, 5.0, 70.0], 240),
        // Trachea, then the main bronchi.
        ellipsoid([0.0, 12.0, 230.0], [8.5, 9.5, 78.0], AIR),
        ellipsoid([-20.0, 14.0, 146.0], [21.0, 6.0, 9.0], AIR),
        ellipsoid([20.0, 14.0, 146.0], [21.0, 5.5, 8.0], AIR),
        // Liver, spleen and the stomach's bubble under the domes.
        ellipsoid([-66.0, -6.0, -28.0], [80.0, 82.0, 64.0], 58),
        ellipsoid([82.0, 40.0, -22.0], [46.0, 40.0, 44.0], 48),
        ellipsoid([62.0, -34.0, -14.0], [40.0, 34.0, 36.0], -880),
    ]);
    scar(&mut all);
    if let Nodule::PartSolid(whole, solid) = nodule {
        all.extend([
            ellipsoid(NODULE, [whole, whole * 0.9, whole], -520),
            ellipsoid(NODULE, [solid, solid, solid], 35),
        ]);
    }
    all
}

/// Its centre.
pub const NODULE: [f64; 3] = [-78.0, 34.0, 186.0];

/// An old scar at the right apex.
fn scar(all: &mut Vec<Ellipsoid>) {
    for (n, z) in [226.0, 219.0, 212.0].into_iter().enumerate() {
        let n = n as f64;
        all.push(ellipsoid(
            [-62.0 - 6.0 * n, 10.0 + 5.0 * n, z],
            [3.0 + 2.0 * n, 1.6, 5.0],
            -60 + 40 * n as i16,
        ));
    }
}

/// Nine pairs, sloping down to the front, as beads on the wall of the chest.
fn ribs(all: &mut Vec<Ellipsoid>) {
    for pair in 0..9 {
        let behind = 246.0 - 26.0 * f64::from(pair);
        for side in [-1.0, 1.0] {
            for step in 0..26 {
                // From beside the spine round to the front.
                let angle = TAU * (0.04 + 0.40 * f64::from(step) / 25.0);
                let (x, y) = (side * 146.0 * angle.sin(), 97.0 * angle.cos());
                let z = behind - 46.0 * (1.0 - angle.cos()) / 2.0;
                all.push(ellipsoid([x, y, z], [9.0, 6.0, 5.5], 420));
                all.push(ellipsoid([x, y, z], [6.0, 3.2, 3.2], 170));
            }
        }
    }
}

/// Vessels that branch from the hila into both lungs.
fn vessels(all: &mut Vec<Ellipsoid>, seed: u64) {
    let mut grain = Grain::new(seed ^ 0x7e55e1);
    let mut unit = || f64::from(grain.next(1_000)) / 1_000.0;
    for side in [-1.0, 1.0] {
        for _ in 0..34 {
            let mut at = [side * 32.0, 12.0 + 10.0 * unit(), 134.0 + 22.0 * unit()];
            let way = [side * (1.2 + 0.9 * unit()), 1.5 * unit(), 2.2 * unit()];
            let mut wide = 4.4 + unit();
            for _ in 0..24 {
                for (a, w) in at.iter_mut().zip(way) {
                    *a += 2.6 * w + unit();
                }
                wide *= 0.93;
                let lung = [(at[0] - side * 76.0) / 54.0, (at[1] + 4.0) / 78.0];
                let lung = lung[0].powi(2) + lung[1].powi(2) + ((at[2] - 116.0) / 122.0).powi(2);
                if lung > 1.0 {
                    break;
                }
                all.push(ellipsoid(at, [wide, wide, wide * 1.3], 20));
            }
        }
    }
}

/// Signals of tissues in a head.
#[derive(Debug, Clone, Copy)]
pub struct Tissue {
    pub air: i16,
    pub skin: i16,
    pub bone: i16,
    pub water: i16,
    pub grey: i16,
    pub white: i16,
    /// A lesion: blood of some weeks in a CT, a plaque in an MR.
    pub lesion: i16,
}

/// Hounsfield units.
pub const HOUNSFIELD: Tissue = Tissue {
    air: AIR,
    skin: 20,
    bone: 950,
    water: 6,
    grey: 38,
    white: 29,
    lesion: 27,
};
pub const T1: Tissue = Tissue {
    air: 0,
    skin: 620,
    bone: 60,
    water: 110,
    grey: 330,
    white: 450,
    lesion: 260,
};
pub const FLAIR: Tissue = Tissue {
    air: 0,
    skin: 380,
    bone: 40,
    water: 55,
    grey: 400,
    white: 330,
    lesion: 690,
};

/// What is wrong in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadLesion {
    None,
    /// A crescent between skull and brain on the left, with the midline pushed over.
    Subdural,
    /// Plaques beside the ventricles.
    Plaques,
}

/// A head, 150 mm from its base (0) to the vertex.
pub fn head(tissue: Tissue, lesion: HeadLesion) -> Vec<Ellipsoid> {
    let pushed = if lesion == HeadLesion::Subdural {
        -7.0
    } else {
        0.0
    };
    let z = 62.0;
    let mut all = vec![
        ellipsoid([0.0, 0.0, z], [80.0, 98.0, 92.0], tissue.skin),
        ellipsoid([0.0, 0.0, z], [74.0, 92.0, 86.0], tissue.bone),
        ellipsoid([0.0, 0.0, z], [68.0, 86.0, 80.0], tissue.water),
    ];
    if lesion == HeadLesion::Subdural {
        all.push(ellipsoid(
            [1.0, -4.0, z + 14.0],
            [67.0, 80.0, 62.0],
            tissue.lesion,
        ));
        all.push(ellipsoid([-9.0, 0.0, z], [58.0, 83.0, 77.0], tissue.grey));
    } else {
        all.push(ellipsoid([0.0, 0.0, z], [65.0, 83.0, 77.0], tissue.grey));
    }
    for side in [-1.0, 1.0] {
        // The side that is pressed is narrower.
        let wide = if pushed != 0.0 && side > 0.0 {
            19.0
        } else {
            25.0
        };
        let x = side * 31.0 + pushed;
        all.push(ellipsoid(
            [x, 0.0, z + 4.0],
            [wide, 70.0, 58.0],
            tissue.white,
        ));
        let wide = if pushed != 0.0 && side > 0.0 {
            4.0
        } else {
            8.0
        };
        let x = side * 11.0 + pushed;
        all.push(ellipsoid(
            [x, -12.0, z + 8.0],
            [wide, 26.0, 12.0],
            tissue.water,
        ));
        all.push(ellipsoid(
            [x * 1.6, 26.0, z + 6.0],
            [wide, 16.0, 10.0],
            tissue.water,
        ));
        all.push(ellipsoid(
            [side * 22.0 + pushed, -4.0, z - 4.0],
            [9.0, 20.0, 14.0],
            tissue.grey,
        ));
    }
    // Falx, and the base with its sinuses.
    all.push(ellipsoid(
        [pushed / 2.0, 0.0, z + 34.0],
        [1.2, 84.0, 44.0],
        tissue.grey + 40,
    ));
    all.push(ellipsoid([0.0, 34.0, 6.0], [54.0, 44.0, 28.0], tissue.grey));
    all.push(ellipsoid([0.0, -64.0, 2.0], [22.0, 18.0, 22.0], tissue.air));
    if lesion == HeadLesion::Plaques {
        for at in [
            [-20.0, -30.0, 74.0],
            [19.0, -26.0, 80.0],
            [-24.0, 20.0, 84.0],
            [26.0, 30.0, 70.0],
            [-34.0, 4.0, 92.0],
        ] {
            all.push(ellipsoid(at, [6.0, 4.0, 4.5], tissue.lesion));
        }
    }
    all
}
