//! What every registered format must do, whatever it writes.
