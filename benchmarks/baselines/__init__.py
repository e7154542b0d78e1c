"""Other ways to max-pool spikes, each in a file of its own.

A *rule* is a function of input spikes, an array of (steps, pools, inputs) in units of
the input, that returns the output in each step. It is what a library computes with
arrays outside of a network, written anew from its paper. A *network* is a function that
takes windows, as a circuit of the package does, and consists of neurons.
"""
