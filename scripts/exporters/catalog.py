"""The networks: small members of many families, with few and narrow layers if the family allows it."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Network:
    """`make` is a function without arguments that builds the module; `inputs` is a function of (generator, samples) that draws samples."""
    name: str
    library: str
    make: object
    inputs: object


def draw_images(size, channels=3):
    """Noise at several scales, as in images: [samples, channels, size, size], about unit variance."""
    def draw(generator, samples):
        import torch
        total = 0.0
        for grain in (size, size // 4, 4):
            noise = torch.randn(samples, channels, grain, grain, generator=generator)
            total = total + torch.nn.functional.interpolate(noise, size=(size, size), mode='bilinear')
        return {'image': (total / total.std()).contiguous()}
    return draw


def draw_tokens(length, vocabulary, mask=True):
    """Token ids, and a mask that ends one token earlier in every second sample."""
    def draw(generator, samples):
        import torch
        ids = torch.randint(3, vocabulary, (samples, length), generator=generator)
        if not mask:
            return {'input_ids': ids}
        attention = torch.ones(samples, length, dtype=torch.int64)
        attention[1::2, -1] = 0
        return {'input_ids': ids, 'attention_mask': attention}
    return draw


def draw_features(name, *shape):
    def draw(generator, samples):
        import torch
        return {name: torch.randn(samples, *shape, generator=generator)}
    return draw


def of_timm(name, size=64, **options):
    def make():
        import timm
        return timm.create_model(name, pretrained=False, num_classes=100, **options)
    return Network(name, 'timm', make, draw_images(size))


def of_torchvision(name, size=64, **options):
    def make():
        import torchvision
        weights = {'weights_backbone': None} if name.split('_')[0] in ('lraspp', 'deeplabv3', 'fcn') else {}
        return torchvision.models.get_model(name, weights=None, **weights, **options)
    return Network('tv_' + name, 'torchvision', make, draw_images(size))


def of_transformers(name, model, config, draw, output='last_hidden_state', part=None, initializer_range=0.1, **options):
    def make():
        import torch
        import transformers

        class OneOutput(torch.nn.Module):
            """Selects one output of the dictionary that transformers returns."""

            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, first, second=None):
                given = dict(zip(names, (first, second)))
                return self.inner(**given)[output]

        names = list(draw(torch.Generator(), 1))
        whole = getattr(transformers, model)(getattr(transformers, config)(initializer_range=initializer_range, **options))
        return OneOutput(getattr(whole, part) if part else whole)
    return Network('hf_' + name, 'transformers', make, draw)


TIMM = [
    of_timm('resnet18'), of_timm('resnext26ts'), of_timm('skresnet18'), of_timm('resnest14d'), of_timm('legacy_seresnet18'),
    of_timm('regnetx_002'), of_timm('regnety_002'), of_timm('mobilenetv2_050'), of_timm('mobilenetv3_small_050'),
    of_timm('mobilenetv4_conv_small_050'), of_timm('efficientnet_b0'), of_timm('efficientnet_lite0'),
    of_timm('tf_efficientnetv2_b0'), of_timm('mnasnet_small'), of_timm('lcnet_050'), of_timm('rexnet_100'),
    of_timm('mobileone_s0'), of_timm('convnext_atto'), of_timm('convnextv2_atto'), of_timm('inception_next_atto'),
    of_timm('vit_tiny_patch16_224', img_size=64), of_timm('deit_tiny_distilled_patch16_224', img_size=64),
    of_timm('swin_tiny_patch4_window7_224', img_size=64, embed_dim=24, depths=(2, 2, 2, 2), window_size=4),
    of_timm('swinv2_tiny_window8_256', img_size=64, embed_dim=24, depths=(2, 2, 2, 2), window_size=4),
    of_timm('mixer_s32_224', img_size=64), of_timm('gmlp_ti16_224', img_size=64), of_timm('resmlp_12_224', img_size=64),
    of_timm('densenet121'), of_timm('inception_v3', 96), of_timm('vgg11', mlp_ratio=0.05), of_timm('ghostnet_050'),
    of_timm('ghostnetv2_100'), of_timm('repvgg_a0'), of_timm('hrnet_w18_small'), of_timm('cs3darknet_s'), of_timm('dla46_c'),
    of_timm('ese_vovnet19b_slim_dw'), of_timm('hgnetv2_b0'), of_timm('dpn48b'), of_timm('maxvit_rmlp_pico_rw_256', img_size=64),
    of_timm('coatnet_pico_rw_224', img_size=64), of_timm('pvt_v2_b0'), of_timm('efficientformer_l1', 224),
    of_timm('efficientformerv2_s0', img_size=64), of_timm('fastvit_t8'), of_timm('edgenext_xx_small'),
    of_timm('levit_128s', img_size=64), of_timm('xcit_nano_12_p16_224', img_size=64), of_timm('poolformer_s12'),
    of_timm('beit_base_patch16_224', img_size=64, embed_dim=96, depth=4, num_heads=4),
    of_timm('cait_xxs24_224', img_size=64, depth=6), of_timm('eca_nfnet_l0'), of_timm('nf_regnet_b0'),
    of_timm('mobilevit_xxs'), of_timm('mobilevitv2_050'), of_timm('crossvit_tiny_240', 240, depth=((1, 1, 0), (1, 1, 0))),
    of_timm('convit_tiny', img_size=64), of_timm('coat_lite_tiny', img_size=64), of_timm('pit_ti_224', img_size=64),
    of_timm('tnt_s_patch16_224', img_size=64, depth=4), of_timm('tiny_vit_5m_224'), of_timm('repvit_m0_9'),
    of_timm('starnet_s1'), of_timm('efficientvit_b0'), of_timm('efficientvit_m0', img_size=64),
    of_timm('eva02_tiny_patch14_224', 56, img_size=56, depth=4), of_timm('gcvit_xxtiny', img_size=64),
    of_timm('davit_tiny', depths=(1, 1, 1, 1), embed_dims=(32, 64, 128, 256), num_heads=(2, 4, 8, 16)),
    of_timm('sequencer2d_s', img_size=64, layers=(1, 1, 1, 1)), of_timm('lambda_resnet26t'), of_timm('visformer_tiny', img_size=64),
]

TORCHVISION = [
    of_torchvision('squeezenet1_1'), of_torchvision('shufflenet_v2_x0_5'), of_torchvision('mnasnet0_5'),
    of_torchvision('googlenet', init_weights=False, aux_logits=False), of_torchvision('mobilenet_v3_small'),
    of_torchvision('regnet_y_400mf'), of_torchvision('lraspp_mobilenet_v3_large'),
    of_torchvision('deeplabv3_mobilenet_v3_large'), of_torchvision('fcn_resnet50'),
]

TRANSFORMERS = [
    of_transformers('bert', 'BertModel', 'BertConfig', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128),
    of_transformers('distilbert', 'DistilBertModel', 'DistilBertConfig', draw_tokens(16, 200), vocab_size=200, dim=64,
                    n_layers=2, n_heads=4, hidden_dim=128),
    of_transformers('roberta', 'RobertaModel', 'RobertaConfig', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128),
    of_transformers('albert', 'AlbertModel', 'AlbertConfig', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    embedding_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=128),
    of_transformers('electra', 'ElectraModel', 'ElectraConfig', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    embedding_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128),
    of_transformers('deberta_v2', 'DebertaV2Model', 'DebertaV2Config', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, relative_attention=True,
                    pos_att_type=['p2c', 'c2p']),
    of_transformers('mpnet', 'MPNetModel', 'MPNetConfig', draw_tokens(16, 200), vocab_size=200, hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128),
    of_transformers('gpt2', 'GPT2LMHeadModel', 'GPT2Config', draw_tokens(16, 200), output='logits', vocab_size=200,
                    n_embd=64, n_layer=2, n_head=4, use_cache=False),
    of_transformers('llama', 'LlamaForCausalLM', 'LlamaConfig', draw_tokens(16, 200), output='logits', vocab_size=200,
                    hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=128,
                    use_cache=False),
    of_transformers('t5_encoder', 'T5EncoderModel', 'T5Config', draw_tokens(16, 200), vocab_size=200, d_model=64, d_kv=16,
                    d_ff=128, num_layers=2, num_heads=4),
    of_transformers('whisper_encoder', 'WhisperModel', 'WhisperConfig', draw_features('input_features', 40, 200),
                    part='encoder', vocab_size=200, num_mel_bins=40, d_model=64, encoder_layers=2, decoder_layers=1,
                    encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128,
                    max_source_positions=100, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1),
    of_transformers('wav2vec2', 'Wav2Vec2Model', 'Wav2Vec2Config', draw_features('input_values', 4000), hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, conv_dim=(32, 32, 32, 32, 32, 32, 32),
                    num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4),
    of_transformers('vit', 'ViTModel', 'ViTConfig', draw_features('pixel_values', 3, 64, 64), hidden_size=64,
                    num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=64, patch_size=16),
    of_transformers('clip_vision', 'CLIPVisionModel', 'CLIPVisionConfig', draw_features('pixel_values', 3, 64, 64),
                    output='pooler_output', hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
                    image_size=64, patch_size=16),
    of_transformers('segformer', 'SegformerForSemanticSegmentation', 'SegformerConfig',
                    draw_features('pixel_values', 3, 64, 64), output='logits', hidden_sizes=[16, 32, 64, 64],
                    depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 4, 4], decoder_hidden_size=64, num_labels=10),
]

NETWORKS = {network.name: network for network in TIMM + TORCHVISION + TRANSFORMERS}
