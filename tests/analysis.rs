//! The meters against golden values of other tools and of theory (`testdata/golden/analysis/README.md`).

mod analysis {
    pub mod golden;
    mod imd;
    mod linearity;
    mod noise;
    mod pair;
    mod tone;
}
