"""Words to make names of: colours, plants and things, so that no name is anybody's."""

from __future__ import annotations

COLOURS = ("amber azure beige black blue bronze brown copper coral cream crimson cyan golden green grey indigo ivory jade "
           "khaki lilac lime magenta maroon mauve mint navy ochre olive orange pink plum purple red rose ruby rust sepia "
           "silver tan teal turquoise umber violet white yellow").split()
PLANTS = ("acorn alder anise apple ash aspen bamboo barley basil bean beech birch bracken briar broom cedar cherry chive "
          "clover cress crocus dill elder elm fennel fern fig fir flax gorse hazel heather hemp holly hop hornbeam hyssop "
          "iris ivy juniper kale larch laurel leek lichen linden lotus lupin maple millet moss mustard myrtle nettle oak "
          "oat parsley pea pear pine poplar poppy privet quince radish reed rowan rye sedge sorrel spruce tansy thistle "
          "thyme turnip vetch walnut willow yarrow yew").split()
THINGS = ("anchor anvil barrel basket beacon bell bench bottle bridge broom bucket button candle canvas chimney clock "
          "compass cradle crate curtain drawer drum easel engine fiddle flute funnel gate hammer harbour hinge kettle "
          "ladder lamp lantern lens lever loom magnet marble mirror needle oven paddle paper pencil pillow pocket pulley "
          "quilt rudder saddle scissors shovel spoon stove table tiller trumpet tunnel umbrella vase wagon wheel window").split()
