/// Implements `Debug` for types whose content must not get into a log: what is printed are the fields named, and
/// nothing about whom it is.
macro_rules! discreet {
    ($($type:ident: $($field:ident),*;)+) => { $(
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )+ };
}
