"""Do values over frames do in the clips what their curves say? Measured on the small world."""
