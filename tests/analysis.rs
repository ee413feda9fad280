//! The meters against golden values of other tools and of theory (`testdata/golden/analysis/README.md`).

mod analysis {
    mod bad_input;
    pub mod golden;
    mod imd;
    mod linearity;
    #[cfg(feature = "loudness")]
    mod loudness;
    mod noise;
    mod pair;
    mod tone;
}
