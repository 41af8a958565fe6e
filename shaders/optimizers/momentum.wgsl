// momentum
