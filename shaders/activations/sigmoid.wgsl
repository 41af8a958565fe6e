// sigmoid
