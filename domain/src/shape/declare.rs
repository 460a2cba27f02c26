//! How an aggregate lists its events.

/// Lists the events of an aggregate, each with its upcasts, and those that are retired; the one place in which versions stand. A variant
/// that is not listed does not compile.
macro_rules! event_shapes {
    ($event:ty { $($name:ident: [$($upcast:expr),* $(,)?],)+ } $(retired { $($gone:ident: [$($last:expr),+ $(,)?],)+ })?) => {
        impl $event {
            /// All events of this stream, with the way of older shapes to today's.
            pub const SHAPES: &'static [$crate::shape::Shape] = &[
                $($crate::shape::Shape::new(stringify!($name), &[$($upcast),*]),)+
                $($($crate::shape::Shape::retired(stringify!($gone), &[$($last),+]),)+)?
            ];

            /// The stored name, as its variant is called.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)+
                }
            }

            /// The stored version of its shape.
            pub const fn version(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => const {
                        let shape = $crate::shape::Shape::new(stringify!($name), &[$($upcast),*]);
                        shape.current().expect("it is written")
                    },)+
                }
            }
        }

        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                self.name().to_owned()
            }

            fn event_version(&self) -> String {
                self.version().to_owned()
            }
        }
    };
}

pub(crate) use event_shapes;
