// nesterov
