"""Decision diagrams: formulas as graphs whose nodes each ask one variable, counted and evaluated exactly."""
