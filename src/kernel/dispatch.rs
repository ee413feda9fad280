//! Runs a loop compiled for the widest vectors the processor has.
//!
//! A kernel is safe code written once. The compiler inlines it into functions that may use wider instructions, so that
//! all of them give the same result: no rounding differs, as nothing is fused or reordered.

/// A loop to be compiled for several instruction sets. `run` must be `#[inline(always)]`, and so must all it calls.
pub(crate) trait Kernel {
    /// Does the work.
    fn run(self);
}

/// Instruction sets a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Those of the build's target.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Foundation, byte and word, doubleword and quadword, vector length.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Form {
    /// Whether this processor runs it.
    pub(crate) fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }
}

/// Every form, the widest first.
pub(crate) const FORMS: &[Form] = &[
    #[cfg(target_arch = "x86_64")]
    Form::Avx512,
    #[cfg(target_arch = "x86_64")]
    Form::Avx2,
    Form::Portable,
];

/// Runs `kernel` in the widest form there is.
pub(crate) fn dispatch(kernel: impl Kernel) {
    let widest = FORMS.iter().copied().find(|form| form.is_available());
    run_as(widest.unwrap_or(Form::Portable), kernel);
}

/// Runs `kernel` in the given form, in the portable one when the processor lacks it.
pub(crate) fn run_as(form: Form, kernel: impl Kernel) {
    match form {
        // SAFETY: the guard asked the processor for the four extensions, which are all the function needs.
        #[cfg(target_arch = "x86_64")]
        Form::Avx512 if form.is_available() => unsafe { run_avx512(kernel) },
        // SAFETY: the guard asked the processor for AVX2, which is all the function needs.
        #[cfg(target_arch = "x86_64")]
        Form::Avx2 if form.is_available() => unsafe { run_avx2(kernel) },
        _ => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(kernel: impl Kernel) {
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512(kernel: impl Kernel) {
    kernel.run();
}

/// Runs `make` in every form this processor has and checks that the results are equal.
#[cfg(test)]
pub(crate) fn forms_agree<T: PartialEq>(make: impl Fn(Form) -> T) {
    let portable = make(Form::Portable);
    for &form in FORMS.iter().filter(|form| form.is_available()) {
        assert!(make(form) == portable, "{form:?} and portable differ");
    }
}
