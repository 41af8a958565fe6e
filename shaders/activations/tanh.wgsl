// tanh
