// leaky_relu
