//! Bodies of ellipsoids, cut by planes: what a scanner would see of them.

/// A region of one value. Later ones stand in place of earlier ones where they overlap.
#[derive(Debug, Clone, Copy)]
pub struct Ellipsoid {
    /// Millimetres, as DICOM has patients: to the left, to the back, to the head (PS3.3 C.7.6.2.1.1).
    pub centre: [f64; 3],
    /// Half axes, millimetres.
    pub half: [f64; 3],
    /// Hounsfield units, or signal.
    pub value: i16,
}

pub const fn ellipsoid(centre: [f64; 3], half: [f64; 3], value: i16) -> Ellipsoid {
    Ellipsoid {
        centre,
        half,
        value,
    }
}

/// A body that goes on along the patient's axis.
pub const fn column(centre: [f64; 2], half: [f64; 2], value: i16) -> Ellipsoid {
    ellipsoid(
        [centre[0], centre[1], 0.0],
        [half[0], half[1], 100_000.0],
        value,
    )
}

/// Where an image lies in the patient (PS3.3 C.7.6.2).
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// Centre of the first pixel, millimetres.
    pub origin: [f64; 3],
    /// Direction of a row, then of a column; of length one.
    pub row: [f64; 3],
    pub column: [f64; 3],
    /// Between pixels, millimetres.
    pub spacing: f64,
    pub columns: usize,
    pub rows: usize,
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn each(a: [f64; 3], b: [f64; 3], of: impl Fn(f64, f64) -> f64) -> [f64; 3] {
    [of(a[0], b[0]), of(a[1], b[1]), of(a[2], b[2])]
}

impl Plane {
    fn normal(&self) -> [f64; 3] {
        let (r, c) = (self.row, self.column);
        [
            r[1] * c[2] - r[2] * c[1],
            r[2] * c[0] - r[0] * c[2],
            r[0] * c[1] - r[1] * c[0],
        ]
    }

    /// Whether it may cut the body.
    fn may_cut(&self, body: &Ellipsoid) -> bool {
        let way = dot(self.normal(), each(body.centre, self.origin, |a, b| a - b));
        let most = body.half.iter().copied().fold(0.0, f64::max);
        way.abs() <= most
    }

    /// The pixels of a row that lie within a body.
    fn within(&self, body: &Ellipsoid, row: usize) -> Option<std::ops::Range<usize>> {
        let start = each(self.origin, self.column, |o, c| {
            o + c * self.spacing * row as f64
        });
        // A line q + t·d against the unit sphere, both in units of the half axes.
        let q = each(each(start, body.centre, |a, b| a - b), body.half, |a, h| {
            a / h
        });
        let d = each(self.row, body.half, |a, h| a / h);
        let (a, b, c) = (dot(d, d), dot(q, d), dot(q, q) - 1.0);
        let inside = b * b - a * c;
        if inside <= 0.0 {
            return None;
        }
        let root = inside.sqrt();
        let pixel = |t: f64| (t / self.spacing).clamp(0.0, self.columns as f64);
        let from = pixel((-b - root) / a).ceil() as usize;
        let to = pixel((-b + root) / a).ceil() as usize;
        (from < to).then_some(from..to)
    }
}

/// What a plane shows of bodies, row by row, with noise of at most `noise` either way.
pub fn slice(
    bodies: &[Ellipsoid],
    plane: &Plane,
    background: i16,
    noise: i16,
    seed: u64,
) -> Vec<i16> {
    let cut: Vec<&Ellipsoid> = bodies.iter().filter(|b| plane.may_cut(b)).collect();
    let mut grain = Grain::new(seed);
    let mut pixels = vec![background; plane.columns * plane.rows];
    for (row, line) in pixels.chunks_mut(plane.columns).enumerate() {
        for body in &cut {
            if let Some(part) = plane.within(body, row).and_then(|r| line.get_mut(r)) {
                part.fill(body.value);
            }
        }
        for pixel in line {
            *pixel += grain.next(noise);
        }
    }
    pixels
}

/// Noise that is the same each time.
pub struct Grain(u64);

impl Grain {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From `-most` to `most`, what is near 0 more often.
    pub fn next(&mut self, most: i16) -> i16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let [.., a, b, _, _] = self.0.to_le_bytes();
        let around = i32::from(a) + i32::from(b) - 255;
        i16::try_from(around * i32::from(most) / 255).unwrap_or(0)
    }
}
